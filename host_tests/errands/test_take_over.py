"""What is said of bindings that differ: which slot is in the way, and when all agrees."""

import asyncio
from types import SimpleNamespace

import pytest

from drivers import clock
from firmware.acquirer import sync
from firmware.binding import change
from firmware.binding.change import NoAnswer
from firmware.errands import agreed, bindings, preparation, take_over
from firmware.ui.text import Text
from host_tests.binding.test_change import NEW, OLD, Terminal
from host_tests.binding.test_checked import composed
from host_tests.ui.stage import assets


class Desk(Terminal):
    """A desk whose supervisor approves everything; what is shown is read as text."""

    def __init__(self, *differing):
        super().__init__()
        self.text = Text(assets() / "en.bin")
        self.clock = SimpleNamespace(
            civil=lambda *a: clock.Clock.civil(None, *a), now=lambda: 1_800_000_000
        )
        self.sync = SimpleNamespace(
            differing=[(slot, theirs and bytearray(theirs)) for slot, theirs in differing],
            faulty=False,
            reached=sync.REACHED,
            reached_at=1_800_000_000,
            sign_on=self._sign_on,
            state=self.state,
            clock=self.clock,
        )
        self.said = None  # what the sign-on comes to: differences, or what keeps it from it
        self.hotline = "95516"
        self.pages = self
        self.identity = SimpleNamespace(token=lambda tlvs: bytes(8))
        self.shown = []

    async def _sign_on(self):
        self.shown.append("signed on")
        if isinstance(self.said, Exception):
            raise self.said
        if self.said is not None:
            self.sync.differing = self.said

    async def message(self, title, body, ok_only=False):
        self.shown.append(body)
        return True

    def busy(self, title, line):
        pass

    async def working(self, work):
        return await work

    async def notice(self, title, body):
        return True

    async def prove(self, number, title):
        return number == b"00"

    async def open(self, name, *args):
        if name == "agreed":
            return await agreed.run(self, *args)
        assert name == "take_over"
        await take_over.run(self, *args)


def _read(desk):
    asyncio.run(take_over.run(desk))
    return "\n".join(desk.shown)


def test_nothing_to_check_is_said_with_the_time_it_was_checked():
    desk = Desk()
    assert _read(desk) == "signed on\nIt agrees with the acquirer, checked at\n01-15 16:00"
    desk.shown, desk.sync.faulty = [], True
    assert _read(desk).endswith("Acquirer's data is faulty: call them 95516")


def test_what_was_checked_before_something_happened_is_never_called_agreed():
    # Superseded: the page says "compare". The acquirer is asked now, or nothing is said to agree.
    desk = Desk()
    desk.said = NoAnswer(7)
    assert _read(desk) == "signed on\nConnection lost"
    desk.said, desk.shown = [(1, bytearray(NEW))], []
    assert "Acquirer has" in _read(desk)
    desk.said, desk.shown = [], []
    desk.sync.reached, desk.sync.code = sync.DECLINED, b"97"
    assert _read(desk) == "signed on\nTerminal not registered"


@pytest.mark.parametrize("phase", [change.SENT, change.REVIEW, change.HELD])
def test_while_the_acquirer_decides_nothing_is_said_to_agree(phase):
    desk = Desk()
    desk.change = SimpleNamespace(phase=phase)
    assert _read(desk) == "signed on\n" + desk.text(f"idle.phase.{phase}")


@pytest.mark.parametrize("slot", [1, 2])
def test_a_slot_that_was_unbound_is_said_to_be_plainly_until_a_supervisor_accepts_that(slot):
    desk = Desk((slot, None))
    desk.state.put(desk.state.binding_changes(2, NEW))
    proving, desk.prove = desk.prove, None

    async def prove(number, title):
        return False

    desk.prove = prove
    assert "\nThe acquirer has unbound this slot" in _read(desk)
    assert desk.sync.differing == [(slot, None)]
    assert desk.state.binding(1) == OLD
    desk.shown, desk.prove = [], proving
    assert _read(desk).endswith("\nThe slot is free. What it had is kept as backup.")
    assert desk.state.binding(slot) is None
    assert desk.state.backup(slot) == (OLD if slot == 1 else NEW)
    assert desk.sync.differing == []


def test_a_binding_that_cannot_be_read_is_called_what_it_is_and_is_in_the_way_of_its_slot_alone(
    monkeypatch,
):
    async def checked(desk, title):
        return True

    monkeypatch.setattr(preparation, "_checks", checked)
    desk = Desk((1, b""))
    assert not asyncio.run(preparation.run(desk, "change.title", 1, True))
    (page,) = desk.shown
    assert page.startswith("The acquirer's data of this binding is faulty")
    assert page.endswith("call the acquirer. 95516")
    assert asyncio.run(preparation.run(Desk((2, b"")), "change.title", 1, True))


@pytest.mark.parametrize("differing", [[(1, None)], [(2, NEW)], [(2, None), (3, NEW)]])
def test_only_another_binding_in_the_slot_at_hand_is_in_the_way(differing, monkeypatch):
    async def checked(desk, title):
        return True

    monkeypatch.setattr(preparation, "_checks", checked)
    desk = Desk(*differing)
    assert asyncio.run(preparation.run(desk, "change.title", 1, True))
    assert desk.shown == []  # and nothing is asked about it


def test_another_binding_in_the_slot_at_hand_is_accepted_first(monkeypatch):
    async def checked(desk, title):
        return True

    monkeypatch.setattr(preparation, "_checks", checked)
    desk = Desk((1, NEW), (2, None))
    assert asyncio.run(preparation.run(desk, "change.title", 1, True))
    assert (desk.state.binding(1), desk.state.backup(1)) == (NEW, OLD)
    assert desk.sync.differing == [(2, None)]


def test_a_binding_that_older_firmware_has_stored_is_shown_whatever_its_name_is():
    desk = Desk()
    odd = composed([(0xDF30, b"shop\xff\xfe\n"), (0xDF31, b"\xff" * 16)])
    assert bindings.describe(desk, odd).split("\n")[1] == "shop "


def test_a_binding_that_is_not_the_acquirers_any_more_is_not_shown_as_the_one_that_is():
    words = []
    for differing in ([], [(1, None)], [(1, NEW)], [(2, None)]):
        desk = Desk(*differing)
        asyncio.run(bindings.run(desk))
        words.append("\n".join(desk.shown))
    agrees, unbound, other, elsewhere = words
    assert unbound.startswith("The acquirer has unbound this slot") and unbound.endswith(agrees)
    assert other == "Binding changed elsewhere\n" + agrees
    assert elsewhere == agrees


def test_an_approval_that_came_too_late_is_told_and_nothing_is_stored():
    desk = Desk((1, NEW))
    proving = desk.prove

    async def prove(number, title):
        desk.sync.differing = [(1, OLD)]  # the acquirer was asked meanwhile
        return await proving(number, title)

    desk.prove = prove
    assert _read(desk).endswith("Binding changed elsewhere")
