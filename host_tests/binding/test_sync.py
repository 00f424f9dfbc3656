"""A sync that finds no room in memory comes again later; nothing is lost and nothing ends."""

import asyncio

from firmware.acquirer.identity import Identity
from firmware.acquirer.sync import NEVER, Sync
from firmware.binding import change
from host_tests.binding.test_change import Clock, Terminal


class FullMemory:
    """A way to the acquirer that does not fit beside what a person has open."""

    def __init__(self):
        self.left = 0

    def take(self):
        raise MemoryError

    def leave(self):
        self.left += 1


def test_no_room_for_a_conversation_is_no_answer():
    terminal = Terminal()
    line = FullMemory()
    identity = Identity(b"10000001", b"898310054110001", b"S1", bytes(16))
    sync = Sync(
        line, identity, change.Change(terminal.state, Clock()), terminal.state, Clock(), None
    )
    assert asyncio.run(sync.once()) is False
    assert line.left == 1
    assert sync.reached == NEVER  # nobody was asked, so nothing is said of the acquirer
