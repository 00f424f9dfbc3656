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
    asyncio.run(operators.Operators(desk).set_password(b"01", bytearray(b"20261124")))
    given_up = play(
        desk,
        approval.run(desk, "change.title", [0, None], PROPOSAL),
        ("Password of 01", "20261124D"),
        ("Supervisor 00", "DDD"),
        ("Password of 00", FIRST[b"00"].decode() + "D"),
        ("first password", "D"),
        ("New, 8 digits", "C"),
    )
    assert given_up is None
    secrets = play(
        desk,
        approval.run(desk, "change.title", [0, None], PROPOSAL),
        ("Password of 01", "20261124D"),
        ("Supervisor 00", "DDD"),
        ("Password of 00", FIRST[b"00"].decode() + "D"),
        ("first password", "D"),
        ("New, 8 digits", "71828182D"),
        ("again", "71828182D"),
        ("changed", "D"),
        ("Owner checks", "DDD"),
        ("one-time code", "123456D"),
    )
    assert [bytes(code) for _, code in secrets] == [b"123456"]


def test_label_and_error_ask_for_the_same_length(desk):
    result = play(
        desk,
        new_password.run(desk, b"01"),
        ("New, 8 digits or more", "1234567D"),
        ("at least 8", "C"),
    )
    assert result is False


def test_the_password_before_is_no_new_one(desk):
    result = play(
        desk,
        new_password.run(desk, b"01"),
        ("New, 8 digits", FIRST[b"01"].decode() + "D"),
        ("again", FIRST[b"01"].decode() + "D"),
        ("one before", "D"),
        ("New, 8 digits", "C"),
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


def test_a_number_that_nobody_has_reads_as_a_wrong_password_does(desk):
    def read(number):
        steps = [
            (f"Password of {number.decode()}", "88888888D"),
            ("4 attempts left", "D"),
            (f"Password of {number.decode()}", "88888888D"),
            ("3 attempts left", "D"),
            (f"Password of {number.decode()}", "C"),
        ]
        return play(desk, desk.prove(number, "log_in.title"), *steps)

    assert read(b"77") == read(b"01")
