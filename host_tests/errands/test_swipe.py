"""A card at the reader: it is good to the end of its month where the terminal stands."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from drivers.clock import Clock
from firmware.errands import swipe

TRACK = b";6222021234567890128=%s2010000?\r\n"


class Reader:
    """A card that has been swiped."""

    def __init__(self, expiry):
        self._left = TRACK % expiry

    def drop(self):
        pass

    def read_into(self, buf, at):
        sent, self._left = self._left, b""
        buf[at : at + len(sent)] = sent
        return len(sent)


@pytest.mark.parametrize("month", [1, 12])
@pytest.mark.parametrize("hour, good", [(15, True), (16, False)])
def test_a_card_expires_at_midnight_of_the_till_not_of_greenwich(month, hour, good):
    now = datetime(2026, month, 31, hour, 59, tzinfo=UTC)  # 23:59 or 00:59 at UTC+8
    desk = SimpleNamespace(
        board=SimpleNamespace(magstripe=Reader(b"26%02d" % month)),
        clock=SimpleNamespace(
            now=lambda: int(now.timestamp()),
            civil=lambda epoch, out: Clock.civil(None, epoch, out),
        ),
    )
    read = asyncio.run(swipe.run(desk))
    assert read == (b"6222021234567890128" if good else "rule.11")
