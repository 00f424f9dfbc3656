"""A terminal whose memory was set back, the keys' or the journal's, at the acquirer's own host."""

import asyncio

import pytest

from firmware.acquirer import pause, taking_over
from firmware.acquirer.sync import REACHED
from host_tests.crash.archive import Shop
from host_tests.crash.world import _BASE_KEY as BASE_KEY
from host_tests.crash.world import binding
from tools.acquirer import keys, tlv

MINUTE_S = 60


@pytest.fixture
def shop(monkeypatch):
    shop = Shop(monkeypatch.setattr)
    shop.sync()
    return shop


def agreed(shop):
    """Let the terminal try until it is answered 00; the seconds that took."""
    sync, seconds = shop.till.sync, 0
    for _ in range(60):
        reached = asyncio.run(sync.once())
        if sync.reached == REACHED:
            return seconds
        seconds += pause.rest(sync, reached)
    raise AssertionError


@pytest.mark.parametrize("behind", [1, 5, 96, 1000, 3000, 20000])
def test_keys_that_were_set_back_are_in_agreement_within_a_minute(shop, behind):
    """3000 messages are a month's; the acquirer notes each old counter for its people."""
    ikid = shop.world.terminal()["ikid"]
    shop.books.set_counter(ikid, shop.books.counter(ikid) + behind)
    assert agreed(shop) <= MINUTE_S
    marks = shop.books.snapshot()["marks"]
    assert [mark["kind"] for mark in marks] == (["old counter"] if behind > 4 else [])
    assert agreed(shop) == 0


def test_an_hour_without_the_acquirer_makes_no_agreement_later(shop):
    ikid = shop.world.terminal()["ikid"]
    shop.books.set_counter(ikid, shop.books.counter(ikid) + 3000)
    for _ in range(20):
        pause.rest(shop.till.sync, False)
    assert agreed(shop) <= MINUTE_S


def test_keys_that_were_not_tried_for_want_of_a_line_do_not_count(shop):
    ikid = shop.world.terminal()["ikid"]
    shop.books.set_counter(ikid, shop.books.counter(ikid) + 3000)
    sync = shop.till.sync
    pause.rest(sync, asyncio.run(sync.once()))
    assert [pause.rest(sync, False) for _ in range(8)] == [5, 10, 20, 40, 80, 160, 300, 300]
    assert agreed(shop) <= MINUTE_S


def test_a_key_that_is_never_taken_is_not_tried_every_five_seconds_for_ever(shop):
    ikid = shop.world.terminal()["ikid"]
    shop.books.set_counter(ikid, 0xF0000000)
    sync, waits = shop.till.sync, []
    for _ in range(20):
        reached = asyncio.run(sync.once())
        waits.append(pause.rest(sync, reached))
    assert sum(waits[:12]) == MINUTE_S
    assert waits[12] > waits[11]  # the idle page says by now that it needs service
    assert waits[-1] == 300


def test_a_journal_that_was_set_back_is_told_and_shown_at_its_first_sync(shop):
    cells = shop.board.flash._partition._cells
    shop.tell(3)
    shop.want()
    shop.sync()
    former = bytes(cells)
    shop.tell(2, b"what is to be forgotten")
    shop.want()
    shop.sync()
    moved = binding("1001230009876543210")
    shop.books.bind(shop.world.terminal(), 1, moved, 1)
    shop.sync()
    [(slot, offered)] = shop.till.sync.differing
    taking_over.take_over(shop.till.sync, slot, offered, b"00")
    cells[:] = former
    shop.boot()
    shop.tell(2, b"something else")
    shop.want()
    assert agreed(shop) == 0
    [(slot, offered)] = shop.till.sync.differing  # the supervisor is asked again
    assert (slot, dict(tlv.split(bytes(offered)))) == (1, dict(tlv.split(moved)))
    assert "other record" in [mark["kind"] for mark in shop.books.snapshot()["marks"]]


def test_new_keys_of_an_enrolment_leave_binding_and_records_in_agreement(shop):
    """What was sent before, what was not, and what comes after: no mark, no gap, no question."""
    shop.tell(40)
    shop.want()
    shop.sync()
    shop.tell(3)
    ikid, made = bytes(range(8)), (b"t" * 16, b"s" * 16)
    shop.books.renew_terminal(shop.world.terminal(), "RB1", ikid, made, 1)
    given = shop.board.keystore._entries  # as an integrator injects them
    del given["dukpt"]
    initial = keys.initial_key(BASE_KEY, ikid)
    given |= {"ik": initial, "ikid": ikid, "token_key": made[0], "service_key": made[1]}
    shop.boot()
    shop.tell(2)
    shop.want()
    assert agreed(shop) == 0
    shop.want()
    shop.sync()
    assert shop.till.sync.differing == []
    assert shop.stored() == shop.whole()
    snapshot = shop.books.snapshot()
    assert snapshot["marks"] == snapshot["gaps"] == []
    assert shop.books.former_token_keys(shop.world.terminal()) == []
