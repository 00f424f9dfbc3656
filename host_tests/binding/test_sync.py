"""A sync that finds no room in memory comes again later; nothing is lost and nothing ends."""

import asyncio

import pytest

from firmware.acquirer.line import Line
from firmware.acquirer.sync import NEVER, Sync
from firmware.binding import change
from host_tests.binding.test_change import Clock, Terminal


class FullMemory:
    """A way to the acquirer that does not fit beside what a person has open."""

    def __init__(self):
        self.left = 0

    async def reach(self):
        pass

    def take(self):
        raise change.NoAnswer(change.NO_ROOM)

    def leave(self):
        self.left += 1


def test_no_room_for_a_conversation_is_no_answer():
    terminal = Terminal()
    line = FullMemory()
    sync = Sync(line, change.Change(terminal.state, Clock()), terminal.state, Clock(), None)
    assert asyncio.run(sync.once()) is False
    assert line.left == 1
    assert sync.reached == NEVER  # nobody was asked, so nothing is said of the acquirer


def test_an_idle_line_that_the_acquirer_closed_is_opened_anew_before_a_conversation():
    class Link:
        is_open = True  # as far as anybody has noticed
        opened = 0

        async def open(self):
            self.opened += 1

    class Board:
        link = Link()
        link_error = OSError

    asyncio.run(Line(Board, None, None).reach())
    assert Board.link.opened == 1


class OutOfReach(FullMemory):
    """An acquirer whose address leads nowhere."""

    async def reach(self):
        raise change.NoAnswer(3)


def test_a_request_that_could_not_leave_can_still_be_cancelled():
    terminal = Terminal()
    terminal.begin()
    sync = Sync(OutOfReach(), terminal.change, terminal.state, Clock(), None)
    with pytest.raises(change.NoAnswer):
        asyncio.run(sync.settle())
    assert terminal.change.phase == change.STORED
    terminal.change.cancel()
    assert terminal.change.phase == change.IDLE


class Reached(FullMemory):
    """A way that is there, but nobody to talk to; counts who came."""

    async def reach(self):
        self.left += 1
        raise change.NoAnswer(6)

    def leave(self):
        pass


class Wifi:
    connected = True


def test_the_terminal_asks_soon_when_a_person_has_stopped_waiting():
    async def story():
        terminal = Terminal()
        line = Reached()
        sync = Sync(line, terminal.change, terminal.state, Clock(), Wifi())
        running = asyncio.create_task(sync.run())
        while line.left < 1:
            await asyncio.sleep(0)
        asked = line.left
        sync.wake()
        for _ in range(10):
            await asyncio.sleep(0)
        running.cancel()
        return line.left - asked

    assert asyncio.run(story()) == 1
