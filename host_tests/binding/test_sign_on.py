"""Signing on: only a whole answer is taken in, and nothing that would lock the terminal out."""

import asyncio

import pytest

from firmware.acquirer import sign_on
from firmware.acquirer.identity import Identity
from firmware.acquirer.sync import Sync
from firmware.binding.change import NoAnswer
from host_tests.binding.test_change import OLD, Clock, Terminal

MERCHANT = b"898310054110001"
WHOLE = {0xDF45: b"\0", 0xDF46: (1_800_000_000).to_bytes(4, "big"), 0xDF48: b"\0"}


class Line:
    """A line on which `tags` were answered."""

    def __init__(self, tags):
        self.tags = {39: b"00", **tags}
        self.identity = Identity(b"10000001", MERCHANT, b"S1", bytes(16))

    async def talk(self, wanted, mti, *contents):
        return [self.tags.get(what) for what in wanted]


def signed_on(tags):
    """Sign on and return the sync."""
    terminal, clock = Terminal(), Clock()
    clock.set = lambda epoch: None
    sync = Sync(Line(tags), terminal.change, terminal.state, clock, None)
    sync.differing = [(1, OLD[:-1] + b"9")]
    asyncio.run(sign_on.run(sync))
    return sync


@pytest.mark.parametrize("missing", sorted(WHOLE))
def test_an_answer_that_leaves_out_what_it_must_say_is_none(missing):
    with pytest.raises(NoAnswer):
        signed_on({tag: value for tag, value in WHOLE.items() if tag != missing})


def test_a_whole_answer_without_notices_says_that_all_agrees():
    sync = signed_on(WHOLE)
    assert sync.differing == []


def test_a_new_merchant_number_is_taken_and_kept():
    sync = signed_on({**WHOLE, 0xDF47: b"898310054110002"})
    assert sync.line.identity.merchant == b"898310054110002"


@pytest.mark.parametrize("number", [b"8983100541", b"89831005411000\n", b"8983100541100\xe5\x8f"])
def test_a_merchant_number_that_no_message_can_carry_is_not_taken(number):
    sync = signed_on({**WHOLE, 0xDF47: number})
    assert sync.line.identity.merchant == MERCHANT
