"""Passwords: proving one, and changing one's own."""

from firmware.access import operators
from firmware.access.operators import Operators
from firmware.binding import rules
from firmware.crypto.wipe import wipe
from firmware.ui import entry


async def run(desk, number=None, title="password.title"):
    """Ask for an operator's password until it is right. Return False when given up or locked.

    Without a number: for whoever is logged in, who then chooses a new one. A default password that
    is right has to be changed at once.
    """
    if number is not None:
        return await _prove(desk, number, title)
    return await _prove(desk, desk.operator, title) and await _change(desk, desk.operator)


async def _prove(desk, number, title):
    while True:
        password = await entry.digits(
            desk.pages, title, desk.text("password.of") % number.decode(), 4, 16, secret=True
        )
        if password is None:
            return False
        try:
            result = await desk.pages.working(
                Operators(desk).check(number, password), title, "password.checking"
            )
        finally:
            wipe(password)
        if result == operators.GRANTED:
            return True
        if result == operators.MUST_CHANGE:
            await desk.pages.message("password.title", desk.text("password.default"), True)
            return await _change(desk, number)
        if result == operators.LOCKED:
            await desk.pages.message(title, desk.text("password.locked"), True)
            return False
        left = Operators(desk).attempts_left(number)
        await desk.pages.message(title, desk.text("password.wrong") % left, True)


async def _change(desk, number):
    # Ask for a new password twice and store it; False when given up.

    def check(buf):
        if operators.is_default(buf):
            return "rule.%d" % rules.PASSWORD_DEFAULT
        code = rules.password(buf)
        return "rule.%d" % code if code else None

    while True:
        first = await entry.digits(
            desk.pages, "password.title", "password.new", 4, 16, b"", True, check
        )
        if first is None:
            return False
        second = None
        try:
            second = await entry.digits(
                desk.pages, "password.title", "password.again", 4, 16, b"", True
            )
            if second is not None and second == first:
                await desk.pages.working(
                    Operators(desk).set_password(number, first),
                    "password.title",
                    "password.storing",
                )
                await desk.pages.message("password.title", desk.text("password.changed"), True)
                return True
        finally:
            wipe(first)
            if second is not None:
                wipe(second)
        await desk.pages.message("password.title", desk.text("password.differ"), True)
