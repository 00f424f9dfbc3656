"""Proving a password."""

from firmware import rooms
from firmware.access import operators
from firmware.crypto.wipe import wipe


async def run(desk, number, title):
    """Ask for an operator's password until it is right. Return False when given up or locked.

    A first password that is right has to be changed at once.
    """
    result = await _prove(desk, number, title)
    if result != operators.MUST_CHANGE:
        return result == operators.GRANTED
    await desk.pages.message("password.title", desk.text("password.first"), True)
    return await desk.open("new_password", number)


async def _prove(desk, number, title):
    # What became of it in the end; WRONG also when the person gives up.
    pages, text = desk.pages, desk.text
    while True:
        whose = number.decode()
        password = await pages.digits(title, "password.of", 4, 16, b"", True, whose=whose)
        if password is None:
            return operators.WRONG
        try:
            work = _checked(desk, number, password)
            result, left = await pages.working(work, title, text("password.checking"))
        finally:
            wipe(password)
        if result in (operators.GRANTED, operators.MUST_CHANGE):
            return result
        if result == operators.LOCKED:
            await pages.message(title, text("password.locked", left), True)
            return result
        if result == operators.DISABLED:
            await pages.message(title, text("password.disabled"), True)
            return result
        await pages.message(title, text("password.wrong", left), True)


async def _checked(desk, number, password):
    return await rooms.ask("firmware.access.proving", "check", desk, number, password)
