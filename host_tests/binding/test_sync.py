"""A sync that finds no room in memory comes again later; nothing is lost and nothing ends."""

import asyncio

import pytest

from firmware import rooms
from firmware.acquirer import sign_on
from firmware.acquirer import sync as sync_module
from firmware.acquirer.identity import Identity
from firmware.acquirer.sync import NEVER, Sync
from firmware.binding import change
from firmware.storage import state as keys
from host_tests.binding.test_change import NEW, OLD, Clock, Host, Terminal


class FullMemory:
    """A way to the acquirer that does not fit beside what a person has open."""

    def __init__(self):
        self.left = 0

    async def reach(self):
        pass

    def take(self):
        raise rooms.NoRoom

    def leave(self):
        self.left += 1

    async def close(self):
        pass


def test_no_room_for_a_conversation_is_no_answer():
    terminal = Terminal()
    line = FullMemory()
    sync = Sync(line, change.Change(terminal.state, Clock()), terminal.state, Clock(), None)
    assert asyncio.run(sync.once()) is False
    assert line.left == 1
    assert sync.reached == NEVER  # nobody was asked, so nothing is said of the acquirer


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


class Scripted(Host):
    """A line to a host that says what the test wants of a request, and to each sign-on no."""

    identity = Identity(b"10000001", b"898310054110001", b"S1", bytes(16))

    async def reach(self):
        pass

    def take(self):
        pass

    def leave(self):
        pass

    async def close(self):
        pass

    async def talk(self, wanted, mti, *contents):
        return [b"97"] + [None] * (len(wanted) - 1)


class Watch:
    """A clock that the test puts forward."""

    def __init__(self):
        self.time = 1_800_000_000

    def now(self):
        return self.time


def _secrets():
    return ((change.CODE, bytearray(b"123456")),)


def test_a_request_does_not_leave_without_its_one_time_code():
    terminal, line, clock = Terminal(), Scripted(change.ACTIVE), Watch()
    terminal.begin()
    sync = Sync(line, terminal.change, terminal.state, clock, None)
    sync.keep(_secrets())
    clock.time += 91  # the line was away for so long
    with pytest.raises(change.NoAnswer) as told:
        asyncio.run(sync.settle())
    assert told.value.code == change.NO_CODE
    assert line.asked == []
    assert terminal.change.phase == change.STORED
    sync.keep(_secrets())
    assert asyncio.run(sync.settle()).event == change.ACTIVE


def test_a_one_time_code_is_overwritten_when_its_time_is_over_whether_it_was_sent_or_not():
    async def story():
        terminal, clock = Terminal(), Watch()
        sync = Sync(OutOfReach(), terminal.change, terminal.state, clock, Wifi())
        secrets = _secrets()
        ((_, code),) = secrets
        sync.keep(secrets)
        clock.time += 91
        running = asyncio.create_task(sync.run())
        for _ in range(10):
            await asyncio.sleep(0)
        running.cancel()
        return code

    assert asyncio.run(story()) == bytes(6)


def test_a_one_time_code_is_overwritten_in_time_while_there_is_nothing_to_do(monkeypatch):
    monkeypatch.setattr(sync_module, "_STEP_S", 0.01)

    async def story():
        terminal, clock = Terminal(), Watch()
        sync = Sync(Scripted(), terminal.change, terminal.state, clock, Wifi())
        sync.once = lambda: asyncio.sleep(0, True)  # in step: it rests for a quarter of an hour
        running = asyncio.create_task(sync.run())
        await asyncio.sleep(0.03)
        ((_, code),) = secrets = _secrets()
        sync.keep(secrets)
        await asyncio.sleep(0.03)
        assert code == b"123456"
        clock.time += 91
        async with asyncio.timeout(5):
            while any(code):
                await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(story())


@pytest.mark.parametrize("event, accepted", [(change.ACTIVE, 1), (change.REJECTED, 0)])
def test_an_end_that_nobody_saw_is_noted_for_the_next_person(event, accepted):
    terminal, line = Terminal(), Scripted(change.UNSETTLED, event)
    terminal.begin()
    sync = Sync(line, terminal.change, terminal.state, Clock(), None)
    sync.keep(_secrets())
    asyncio.run(sync.settle())
    assert terminal.state.get(keys.NOTICE) is None
    assert asyncio.run(sync.once())
    assert terminal.change.phase == change.IDLE
    terminal.boot()
    assert terminal.state.get(keys.NOTICE) == bytes((accepted,))


def test_an_end_that_a_person_sees_is_not_noted():
    terminal, line = Terminal(), Scripted(change.ACTIVE)
    terminal.begin()
    sync = Sync(line, terminal.change, terminal.state, Clock(), None)
    sync.keep(_secrets())
    asyncio.run(sync.settle())
    assert terminal.state.get(keys.NOTICE) is None


def test_a_request_that_was_never_sent_hides_no_change_made_elsewhere():
    terminal, line = Terminal(), Scripted(change.UNSETTLED)
    terminal.begin()
    sync = Sync(line, terminal.change, terminal.state, Clock(), None)
    assert not sign_on.is_pending(terminal.change, 1)
    sync.keep(_secrets())
    asyncio.run(sync.settle())
    assert sign_on.is_pending(terminal.change, 1)
    assert not sign_on.is_pending(terminal.change, 2)


def test_what_is_accepted_twice_leaves_the_backup_alone():
    terminal = Terminal()
    sync = Sync(Scripted(), terminal.change, terminal.state, Clock(), None)
    for _ in range(2):
        sync.differing = [(1, NEW)]
        sync.accept(1, NEW, b"00")
        assert sync.differing == []
    assert terminal.state.binding(1) == NEW
    assert terminal.state.backup(1) == OLD
