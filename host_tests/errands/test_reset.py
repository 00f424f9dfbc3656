"""What a person sees who has forgotten the number or the password."""

import asyncio
import re
from types import SimpleNamespace

import pytest

from firmware.access import operators
from firmware.errands import log_in
from host_tests.access.test_reset import SERVICE
from host_tests.errands.test_operators import Desk as _Desk
from host_tests.errands.test_passwords import play, until, walk
from tools.acquirer.keys import reset_code


class Desk(_Desk):
    """At which nobody is logged in; `quick` leaves a person alone at once."""

    def __init__(self):
        super().__init__()
        self.operator = None
        self.access.keys["service_key"] = SERVICE
        self.identity = SimpleNamespace(terminal=b"12345678", merchant=b"898310054110001")

    def words(self):
        return " ".join(self.stage.lines)


@pytest.fixture
def desk():
    return Desk()


def test_the_log_in_page_says_how_to_get_help(desk):
    _, screens = desk.stage.play(log_in.run(desk))
    assert "#forgot hold D:help" in " ".join(" ".join(screens[-1]).split())


def test_a_supervisor_who_has_forgotten_calls_and_chooses_a_new_password(desk):
    async def story():
        task = asyncio.create_task(log_in.run(desk))
        await walk(
            desk,
            ("Operator number", "#"),
            ("Reset of operator", "00D"),
        )
        await until(desk, "Tell the acquirer")
        challenge = "".join(re.search(r"(\d{4}) (\d{4})", desk.words()).groups())
        for said in ("95516", "12345678", "898310054110001", "Operator 00"):
            for _ in range(6):
                if said not in desk.words():
                    await desk.stage.press("B")
            assert said in desk.words()
        await desk.stage.press("D")
        await walk(
            desk,
            ("Their response", "00000000D"),
            ("4 attempts left", "D"),
            ("Tell the acquirer", "D"),
            ("Their response", reset_code(SERVICE, "12345678", "00", challenge) + "D"),
            ("New, 8 digits", "71828182D"),
            ("again", "71828182D"),
            ("changed", "D"),
        )
        return await asyncio.wait_for(task, 20)

    assert asyncio.run(story()) is None  # and logs in as everybody does
    assert desk.check(b"00", b"71828182") == operators.GRANTED


def test_the_page_of_the_challenge_stays_and_keeps_what_was_typed(desk):
    desk.stage.pages.quiet_ms = 40
    desk.stage.pages.begin()

    async def story():
        task = asyncio.create_task(desk.open("reset"))
        await until(desk, "Reset of operator")
        desk.stage.pages.quiet_ms = 3000
        await desk.stage.press("00D")
        await until(desk, "Tell the acquirer")
        await asyncio.sleep(3.2)  # longer than anybody may leave another page alone
        assert "Tell the acquirer" in desk.words()
        await desk.stage.press("D")
        await until(desk, "Their response")
        await desk.stage.press("123")
        await until(desk, "Tell the acquirer")  # left alone with the response half typed
        await desk.stage.press("D")
        await walk(
            desk,
            ("123", "C"),
            ("Tell the acquirer", "C"),
        )
        await asyncio.wait_for(task, 20)

    asyncio.run(story())


def test_a_terminal_that_was_given_no_key_for_it_says_whom_to_call(desk):
    del desk.access.keys["service_key"]
    play(desk, desk.open("reset"), ("no key for that", "BB"), ("95516", "D"))


def test_a_reset_of_somebody_who_is_not_there_says_so(desk):
    async def story():
        task = asyncio.create_task(desk.open("reset"))
        await until(desk, "Reset of operator")
        await desk.stage.press("42D")
        await until(desk, "Tell the acquirer")
        challenge = "".join(re.search(r"(\d{4}) (\d{4})", desk.words()).groups())
        await desk.stage.press("D")
        await walk(
            desk,
            ("Their response", reset_code(SERVICE, "12345678", "42", challenge) + "D"),
            ("New, 6 digits", "71828182D"),
            ("again", "71828182D"),
            ("no such operator", "D"),
        )
        return await asyncio.wait_for(task, 20)

    assert asyncio.run(story()) is None


def test_a_password_that_two_would_have_is_refused_with_the_reason(desk):
    asyncio.run(operators.Operators(desk).set_password(b"00", bytearray(b"71828182")))
    page = desk.open("new_password", b"01")
    play(
        desk,
        page,
        ("New, 6 digits", "71828182D"),
        ("again", "71828182D"),
        ("Somebody else", "D"),
        ("New, 6 digits", "C"),
    )
