"""What a person is told of passwords: how long, how wrong, how long locked; first ones approve
nothing.
"""

import asyncio
from types import SimpleNamespace

import pytest

from firmware.access import operators
from firmware.binding import model
from firmware.desk import Desk as Declared
from firmware.errands import approval, new_password
from host_tests.access.test_operators import FIRST, Access
from host_tests.binding.test_change import NEW
from host_tests.ui.stage import Stage, settle

PROPOSAL = (model.CHANGE_ACCOUNT, 1, 4, NEW)


class Desk(SimpleNamespace):
    """The operators of a terminal, at its pages."""

    def __init__(self):
        self.access = Access()
        self.stage = Stage("en")
        super().__init__(
            identity=SimpleNamespace(token=lambda tlvs: bytes(8)),
            board=self.access,
            state=self.access.state,
            clock=self.access.clock,
            pages=self.stage.pages,
            text=self.stage.text,
            operator=b"01",
            licence=None,
            sync=SimpleNamespace(policy=0),
        )

    open, prove = Declared.open, Declared.prove


@pytest.fixture(scope="module")
def desk():
    return Desk()


async def until(desk, words):
    async with asyncio.timeout(20):
        while words not in " ".join(desk.stage.lines):
            await asyncio.sleep(0.02)
    await settle()


async def walk(desk, *steps):
    """Wait for what is to be seen, press keys, in turn."""
    for words, keys in steps:
        await until(desk, words)
        await desk.stage.press(keys)


def play(desk, errand, *steps):
    """Run an errand: wait for what is to be seen, press keys, in turn; return what it returned."""

    async def run():
        task = asyncio.create_task(errand)
        await walk(desk, *steps)
        async with asyncio.timeout(20):
            return await task

    return asyncio.run(run())


def test_a_supervisor_with_the_first_password_approves_nothing_until_it_is_changed():
    desk = Desk()
    asyncio.run(operators.Operators(desk).set_password(b"01", bytearray(b"85203916")))
    given_up = play(
        desk,
        approval.run(desk, "change.title", PROPOSAL),
        ("Password of 01", "85203916D"),
        ("Supervisor 00", "DDD"),
        ("Password of 00", FIRST[b"00"].decode() + "D"),
        ("first password", "D"),
        ("New, 8 digits", "C"),
    )
    assert given_up is None
    kept, stored, opened = [], [], desk.open
    desk.sync.keep = kept.extend

    async def open_(name, *args):
        return stored.append(args) if name == "propose" else await opened(name, *args)

    desk.open = open_
    led_to, _ = play(
        desk,
        approval.run(desk, "change.title", PROPOSAL),
        ("Password of 01", "85203916D"),
        ("Supervisor 00", "DDD"),
        ("Password of 00", FIRST[b"00"].decode() + "D"),
        ("first password", "D"),
        ("New, 8 digits", "71828182D"),
        ("again", "71828182D"),
        ("changed", "D"),
        ("Owner checks", "DDD"),
        ("one-time code", "123456D"),
    )
    assert led_to == "submission" and stored == [PROPOSAL]
    assert [bytes(code) for _, code in kept] == [b"123456"]


@pytest.mark.parametrize(("number", "least"), [(b"00", 8), (b"99", 8), (b"01", 6)])
def test_label_and_error_ask_for_the_same_length(desk, number, least):
    result = play(
        desk,
        new_password.run(desk, number),
        (f"New, {least} digits or more", "8520391"[: least - 1] + "D"),
        (f"at least {least}", "C"),
    )
    assert result is False


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("20261124", "No date"),
        ("38403840", "No repeated blocks"),
        ("78901234", "No digits in a row"),
        ("38400483", "Same backwards"),
        ("14725836", "No keypad lines"),
        ("37733773", "3 different digits"),
    ],
)
def test_what_anybody_would_try_first_is_refused_with_its_own_reason(desk, typed, told):
    steps = (("New, 8 digits", typed + "D"), (told, "C"))
    assert play(desk, new_password.run(desk, b"00"), *steps) is False


def test_who_goes_back_from_typing_it_again_is_not_told_that_the_two_differ(desk):
    steps = (("New, 6 digits", "852039D"), ("again", "C"), ("New, 6 digits", "C"))
    assert play(desk, new_password.run(desk, b"01"), *steps) is False


def test_a_password_of_the_last_four_is_no_new_one(desk):
    result = play(
        desk,
        new_password.run(desk, b"01"),
        ("New, 6 digits", FIRST[b"01"].decode() + "D"),
        ("again", FIRST[b"01"].decode() + "D"),
        ("last four", "D"),
        ("New, 6 digits", "C"),
    )
    assert result is False


@pytest.mark.parametrize("number", [b"00", b"78"])  # the other one nobody has
def test_who_is_locked_out_is_told_for_how_much_longer(desk, number):
    asked = f"Password of {number.decode()}"
    wrong = [(asked, "99999999D"), ("attempts left", "D")]
    page = desk.prove(number, "log_in.title")
    play(desk, page, *wrong * 4, (asked, "99999999D"), ("30 min left", "D"))
    for seconds, left in ((61, "29 min left"), (1680, "1 min left")):
        desk.clock.time += seconds
        page = desk.prove(number, "log_in.title")
        play(desk, page, (asked, FIRST[b"00"].decode() + "D"), (left, "D"))


class Watched(Desk):
    """Somebody looks at the screen, at the flash chip's wires and the key storage's, and at how
    long it all takes: `seen` in turn, without the number tried and without what was written.
    """

    def __init__(self, number, monkeypatch):
        super().__init__()
        self.number, self.seen = number, []
        flash, keys = self.access.flash, self.access.keys
        flash.program = self._told("program", flash.program)
        flash.erase = self._told("erase", flash.erase)
        keys.put = self._told("key storage", keys.put)
        keys.erase = self._told("key storage", keys.erase)
        stretch = operators.Operators._verifier

        def stretched(people, password, salt, iterations):
            self.seen.append(("stretch", iterations))
            return stretch(people, password, salt, iterations)

        monkeypatch.setattr(operators.Operators, "_verifier", stretched)

    def _told(self, what, work):
        def told(*args):
            self.seen.append(
                (what, *(len(arg) for arg in args if not isinstance(arg, (int, str))))
            )
            return work(*args)

        return told

    def restart(self):
        self.access.boot()
        self.state = self.access.state

    def attempt(self, typed):
        """Try a password; keep what is shown. Log-in is given up or over."""

        async def story():
            task = asyncio.create_task(self.prove(self.number, "log_in.title"))
            await until(self, f"Password of {self.number.decode()}")
            self._look()
            await self.stage.press(typed + "D")
            await until(self, "left")
            self._look()
            await self.stage.press("D")
            if not task.done():
                await until(self, f"Password of {self.number.decode()}")
                await self.stage.press("C")
            async with asyncio.timeout(20):
                self.seen.append(await task)

        asyncio.run(story())

    def _look(self):
        words = "\n".join(self.stage.lines)
        self.seen.append(words.replace(f"Password of {self.number.decode()}", "Password of …"))


@pytest.mark.parametrize("nobody", [b"77", b"99"])
def test_nobody_who_watches_screen_and_wires_can_tell_who_there_is(nobody, monkeypatch):
    seen = []
    for number in (b"01", nobody):
        with monkeypatch.context() as while_watched:
            desk = Watched(number, while_watched)
            for _ in range(2):
                desk.attempt("88888888")
            desk.restart()
            for minutes in (0, 0, 0, 0, 29, 2, 0):  # locked, still locked, over
                desk.clock.time += 60 * minutes
                desk.attempt("88888888")
        seen.append(desk.seen)
    assert seen[0] == seen[1]
    assert sum("min left" in each for each in seen[0] if isinstance(each, str)) >= 3
    assert any(each[0] == "program" and each[1] > 0 for each in seen[0] if each)
