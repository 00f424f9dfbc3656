"""Whose terminal this is, from who asks for a change of its card: the merchant number."""

from micropython import const

from firmware import rooms
from firmware.storage import audit

_TRIES = const(3)
_LEN = const(15)
_WRONG = const(2)  # where they are counted


async def run(desk, title, approved):
    """Have it typed in; return True when it is right. What was entered is gone after three wrong
    ones, and the audit log tells of them. approved: see approval; who goes back meanwhile has no
    more of them.
    """
    pages, text = desk.pages, desk.text
    while True:
        typed = await pages.code(title, "merchant.number", _LEN)
        if typed is None:
            return False
        if typed == desk.identity.merchant.upper():
            return True
        approved[_WRONG] += 1
        if approved[_WRONG] == _TRIES:
            break
        await pages.message(title, text("merchant.wrong", _TRIES - approved[_WRONG]), True)
    approved[_WRONG] = 0
    now = desk.clock.now()
    desk.state.put((), audit.entry(audit.WRONG, now, desk.operator, detail=b"merchant number"))
    rooms.ask("firmware.errands.draft", "forget", desk)
    await pages.message(title, text("merchant.over"), True)
    return False
