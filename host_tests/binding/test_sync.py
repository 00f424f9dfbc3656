"""A sync that finds no room in memory comes again later; nothing is lost and nothing ends."""

import asyncio
from types import SimpleNamespace

import pytest

from firmware import rooms
from firmware.acquirer import sign_on, taking_over
from firmware.acquirer import sync as sync_module
from firmware.acquirer.identity import Identity
from firmware.acquirer.sync import NEVER, Sync
from firmware.binding import change
from firmware.storage import state as store
from host_tests.binding.test_change import NEW, OLD, Clock, Host, Keys, Terminal


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


class FullAtTheEnd(FullMemory):
    """Memory ends as the conversation does, once."""

    open = True

    async def reach(self):
        raise change.NoAnswer(3)

    def leave(self):
        self.left += 1
        if self.left == 1:
            raise rooms.NoRoom

    async def close(self):
        self.open = False


def test_memory_that_ends_with_a_conversation_keeps_no_other_from_beginning():
    terminal = Terminal()
    line = FullAtTheEnd()
    sync = Sync(line, change.Change(terminal.state, Clock()), terminal.state, Clock(), None)
    with pytest.raises(rooms.NoRoom):
        asyncio.run(sync.once())
    assert not line.open

    async def again():
        async with asyncio.timeout(1):
            return await sync.once()

    assert asyncio.run(again()) is False and line.left == 2


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
        async with asyncio.timeout(3):
            while line.left == asked:
                await asyncio.sleep(0.01)
        running.cancel()
        return sync.tries

    assert asyncio.run(story()) == 1  # the back-off has begun anew


class Scripted(Host):
    """A line to a host that says what the test wants of a request, and to each sign-on no."""

    identity = Identity(b"10000001", b"898310054110001", b"S1", bytes(16))
    board = SimpleNamespace(keystore=Keys())

    async def reach(self):
        pass

    def take(self):
        pass

    def leave(self):
        pass

    async def close(self):
        pass

    async def talk(self, wanted, fields):
        return {what: b"97" if what == 39 else None for what in wanted}


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


@pytest.mark.parametrize("later", [91, -3600], ids=["over", "clock set back"])
def test_a_one_time_code_is_overwritten_when_its_time_is_over_whether_it_was_sent_or_not(later):
    async def story():
        terminal, clock = Terminal(), Watch()
        sync = Sync(OutOfReach(), terminal.change, terminal.state, clock, Wifi())
        secrets = _secrets()
        ((_, code),) = secrets
        sync.keep(secrets)
        clock.time += later
        running = asyncio.create_task(sync.run())
        for _ in range(10):
            await asyncio.sleep(0)
        running.cancel()
        return code

    assert asyncio.run(story()) == bytes(6)


def test_a_one_time_code_is_overwritten_in_time_while_there_is_nothing_to_do(monkeypatch):
    monkeypatch.setattr(sync_module, "LOOK_S", 0.01)

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


@pytest.mark.parametrize("event", [change.ACTIVE, change.REJECTED, change.SUPERSEDED])
def test_an_end_that_nobody_saw_is_noted_for_the_next_person(event):
    terminal, line = Terminal(), Scripted(change.UNSETTLED, event)
    terminal.begin()
    sync = Sync(line, terminal.change, terminal.state, Clock(), None)
    sync.keep(_secrets())
    asyncio.run(sync.settle())
    assert terminal.state.get(store.NOTICE) is None
    assert asyncio.run(sync.once())
    assert terminal.change.phase == change.IDLE
    terminal.boot()
    assert terminal.state.get(store.NOTICE) == bytes((event,))


def test_an_end_that_a_person_sees_is_not_noted():
    terminal, line = Terminal(), Scripted(change.ACTIVE)
    terminal.begin()
    sync = Sync(line, terminal.change, terminal.state, Clock(), None)
    sync.keep(_secrets())
    asyncio.run(sync.settle())
    assert terminal.state.get(store.NOTICE) is None


class Decided(Scripted):
    """An acquirer that says at the sign-on that it has decided, and when asked, how."""

    async def talk(self, wanted, fields):
        tags = {39: b"00", 0xDF45: b"\x08", 0xDF46: (1_800_000_000).to_bytes(4, "big")}
        tags[0xDF48] = b"\0"
        return {what: tags.get(what) for what in wanted}


def _under_review(line):
    terminal = Terminal()
    terminal.begin()
    clock = Watch()
    clock.set = lambda epoch: None
    sync = Sync(line, terminal.change, terminal.state, clock, None)
    sync.keep(_secrets())
    asyncio.run(sync.settle())
    assert terminal.change.phase == change.REVIEW
    return terminal, sync


def test_an_end_that_a_look_at_the_network_brings_is_noted_since_its_page_does_not_tell():
    terminal, sync = _under_review(Decided(change.REVIEWING, change.ACTIVE))
    asyncio.run(sync.sign_on())
    assert terminal.change.phase == change.IDLE
    assert terminal.state.get(store.NOTICE) == bytes((change.ACTIVE,))


def test_an_end_is_noted_when_who_watched_has_left_before_it_came():
    terminal, sync = _under_review(Scripted(change.REVIEWING, change.REJECTED))
    sync.watched = True  # and the person leaves the page while the acquirer is being asked
    assert asyncio.run(sync.once())
    assert terminal.state.get(store.NOTICE) == bytes((change.REJECTED,))


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
        taking_over.take_over(sync, 1, NEW, b"00")
        assert sync.differing == []
    assert terminal.state.binding(1) == NEW
    assert terminal.state.backup(1) == OLD


# -- what is known of the last try


class Unsteady(Scripted):
    """A line that breaks for the reasons given before it says something; None: it does not."""

    def __init__(self, reasons, *events):
        super().__init__(*events)
        self.reasons = list(reasons)

    async def reach(self):
        reason = self.reasons.pop(0)
        if reason is not None:
            raise change.NoAnswer(reason)


def _sync(line, clock=None, wifi=None):
    terminal = Terminal()
    terminal.begin()
    sync = Sync(line, terminal.change, terminal.state, clock or Watch(), wifi)
    sync.keep(_secrets())
    return terminal, sync


def test_a_try_that_came_to_nothing_replaces_what_was_known_before():
    terminal, sync = _sync(Unsteady([None, None, 3], change.UNSETTLED, change.NO_SUCH))
    asyncio.run(sync.settle())
    assert asyncio.run(sync.settle()).event == change.NO_SUCH
    with pytest.raises(change.NoAnswer):
        asyncio.run(sync.settle())
    last = sync.last_outcome
    assert (last.event, last.trouble, last.code) == (change.UNSETTLED, 3, b"--")


def test_what_ended_a_request_is_not_forgotten_when_the_line_fails_after_it():
    terminal, sync = _sync(Unsteady([None, 3], change.ACTIVE))
    asyncio.run(sync.settle())
    assert not asyncio.run(sync.once())
    assert asyncio.run(sync.settle()).event == change.ACTIVE


class Timeout(Scripted):
    """An acquirer that gets the request and then is heard no more."""

    async def ask(self):
        raise change.NoAnswer(6)

    async def talk(self, wanted, fields):
        raise change.NoAnswer(7)  # the connection is gone


def test_after_a_lost_answer_the_reason_is_what_it_was_lost_by():
    terminal, sync = _sync(Timeout())
    asyncio.run(sync.settle())
    assert not asyncio.run(sync.once())
    assert (sync.reached, sync.trouble) == (sync_module.UNREACHED, 6)
    assert sync.last_outcome.trouble == 6


@pytest.mark.parametrize("fault", [ValueError, UnicodeError, IndexError, KeyError])
def test_an_answer_that_leads_to_a_fault_is_none(fault):
    class Odd(Scripted):
        async def talk(self, wanted, fields):
            raise fault

    terminal, sync = _sync(Odd())
    assert not asyncio.run(sync.once())
    assert (sync.reached, sync.trouble) == (sync_module.UNREACHED, 0)


class Archive(Scripted):
    """An acquirer in step with the terminal that wants its records, and fails when they come."""

    def __init__(self, fault):
        super().__init__()
        self.fault = fault

    async def talk(self, wanted, fields):
        if fields[0] == 0x0320:
            raise self.fault
        tags = {39: b"00", 0xDF45: b"\x04", 0xDF46: (1_800_000_000).to_bytes(4, "big")}
        tags[0xDF48] = b"\0"
        return {what: tags.get(what) for what in wanted}


@pytest.mark.parametrize("fault", [change.NoAnswer(0), change.NoAnswer(6), rooms.NoRoom()])
def test_an_archive_that_fails_keeps_no_person_from_signing_on_and_so_from_a_change(fault):
    clock = Watch()
    clock.set = lambda epoch: None
    terminal = Terminal()
    sync = Sync(Archive(fault), terminal.change, terminal.state, clock, None)
    asyncio.run(sync.sign_on())
    assert (sync.reached, sync.reached_at) == (sync_module.REACHED, 1_800_000_000)
    assert not asyncio.run(sync.once())  # by itself the terminal tries again soon


# -- when to talk again


def _pauses(sync, *reached):
    return [rooms.ask("firmware.acquirer.pause", "rest", sync, each) for each in reached]


def test_a_lost_line_is_tried_with_growing_pauses_of_at_most_five_minutes():
    terminal, sync = _sync(Scripted())
    assert _pauses(sync, *[False] * 8) == [5, 10, 20, 40, 80, 160, 300, 300]
    sync.wake()
    assert _pauses(sync, False) == [5]


@pytest.mark.parametrize("code", ["68", "91", "92", "96"])
def test_an_acquirer_that_cannot_serve_now_is_tried_like_a_lost_line(code):
    terminal, sync = _sync(Scripted())
    sync.code = code.encode()
    assert _pauses(sync, True, True, True) == [5, 10, 20]
    sync.code = b"00"
    assert _pauses(sync, True) == [900]


@pytest.mark.parametrize("code", ["03", "30", "40", "58", "97"])
def test_an_acquirer_that_will_not_serve_is_tried_every_quarter_of_an_hour(code):
    terminal, sync = _sync(Scripted())
    sync.code = code.encode()
    assert _pauses(sync, True, True) == [900, 900]


def test_a_request_under_review_is_asked_about_every_minute_in_the_first_hour():
    terminal, sync = _sync(Scripted(change.REVIEWING))
    asyncio.run(sync.settle())
    assert _pauses(sync, True, True) == [60, 60]
    sync.clock.time += 3600
    assert _pauses(sync, True) == [900]
    sync.clock.time -= 2 * 86400  # the acquirer has set the clock back
    assert _pauses(sync, True) == [900]
    sync.watched = True  # a person waits for it
    assert _pauses(sync, True) == [10]


@pytest.mark.parametrize("said, asked", [(5, 5), (3, 3), (1, 3), (65535, 60), (0, 10)])
def test_while_a_person_looks_it_is_asked_about_when_the_acquirer_says(said, asked):
    terminal, sync = _sync(Scripted(change.REVIEWING))
    asyncio.run(sync.settle())
    sync.last_outcome.again_s = said
    assert _pauses(sync, True) == [60]
    sync.watched = True
    assert _pauses(sync, True, True) == [asked, asked]
    assert _pauses(sync, False) == [5]  # and the line is lost: as ever


def test_a_request_whose_answer_is_unknown_is_asked_about_like_a_lost_line():
    terminal, sync = _sync(Scripted(change.UNSETTLED))
    asyncio.run(sync.settle())
    assert _pauses(sync, True, True) == [5, 10]


def test_a_time_that_is_not_believed_yet_is_asked_for_again_after_a_minute():
    terminal, sync = _sync(Scripted())
    sync.doubt = (86401, 0)
    assert _pauses(sync, True) == [60]


def test_a_network_that_comes_back_wakes_the_sync_at_once(monkeypatch):
    monkeypatch.setattr(sync_module, "LOOK_S", 0.01)

    class Air:
        connected = False

    async def story():
        line = Reached()
        terminal, sync = _sync(line, wifi=Air())
        sync.tries = 6
        running = asyncio.create_task(sync.run())
        await asyncio.sleep(0.05)
        assert line.left == 0
        Air.connected = True
        async with asyncio.timeout(3):
            while not line.left:
                await asyncio.sleep(0.01)
        running.cancel()
        return sync.tries

    assert asyncio.run(story()) <= 1


def test_a_change_that_has_ended_is_followed_by_a_sign_on(monkeypatch):
    monkeypatch.setattr(sync_module, "LOOK_S", 0.01)

    class Counting(Scripted):
        signed_on = 0

        async def talk(self, wanted, fields):
            self.signed_on += 1
            return await super().talk(wanted, fields)

    async def story():
        line = Counting(change.ACTIVE)
        terminal, sync = _sync(line, wifi=Wifi())
        running = asyncio.create_task(sync.run())
        async with asyncio.timeout(3):
            while not line.signed_on:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            assert line.signed_on == 1
            await sync.settle()
            while line.signed_on < 2:
                await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(story())


def test_a_withdrawal_goes_without_the_owners_code_and_forgets_it():
    terminal, sync = _sync(Scripted(change.UNSETTLED, change.UNSETTLED))
    asyncio.run(sync.settle())
    ((_, code),) = sync._secrets
    asyncio.run(sync.settle(b"01"))
    assert sync.line.asked == ["submit", "withdraw"]
    assert code == bytes(6)


def test_what_waited_in_the_slot_is_no_news_once_the_change_is_true():
    terminal, sync = _sync(Scripted(change.ACTIVE))
    sync.differing = [(1, None)]
    asyncio.run(sync.settle())
    assert sync.differing == []
