"""Whose terminal this is, from who asks for a change of its card: the merchant number."""

from micropython import const

from firmware import rooms
from firmware.storage import audit

_TRIES = const(3)
_LEN = const(15)


async def run(desk, title):
    """Have it typed in; return True when it is right. What was entered is gone after three wrong
    ones, and the audit log tells of them.
    """
    pages, text = desk.pages, desk.text
    left = _TRIES
    while True:
        typed = await pages.code(title, "merchant.number", _LEN)
        if typed is None:
            return False
        if typed == desk.identity.merchant.upper():
            return True
        left -= 1
        if not left:
            break
        await pages.message(title, text("merchant.wrong", left), True)
    now = desk.clock.now()
    desk.state.put((), audit.entry(audit.WRONG, now, desk.operator, detail=b"merchant number"))
    rooms.ask("firmware.errands.draft", "forget", desk)
    await pages.message(title, text("merchant.over"), True)
    return False
