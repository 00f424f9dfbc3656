"""A new password: typed twice, then stored."""

from micropython import const

from firmware import rooms
from firmware.access import operators
from firmware.crypto.wipe import wipe

_TITLE = "password.title"
_MOST = const(16)  # digits
_TOLD = ("password.changed", "password.same", "password.taken", "reset.nobody")


async def run(desk, number, by_provider=False):
    """Ask for the operator's new password and store it. Return False when given up.

    by_provider: the provider has answered the challenge, see access.operators.
    """
    pages, low = desk.pages, rooms.ask("firmware.access.policy", "least", number)
    while True:
        first = await _asked(pages, "password.new", low, _fault, low)
        if first is None:
            return False
        second = None
        try:
            second = await _asked(pages, "password.again", low)
            if second is None:
                continue
            told = "password.differ"
            if second == first:
                work = _stored(desk, number, first, by_provider)
                stored = await pages.working(work, _TITLE, desk.text("password.storing"))
                told = _TOLD[stored - operators.SET]
        finally:
            wipe(first)
            if second is not None:
                wipe(second)
        await pages.message(_TITLE, desk.text(told), True)
        if told in (_TOLD[0], _TOLD[-1]):
            return told == _TOLD[0]


def _asked(pages, label, low, check=None, told=None):
    return pages.digits(_TITLE, label, low, _MOST, b"", True, check, whose=told)


def _fault(buf):
    reason = rooms.ask("firmware.access.policy", "check", buf)
    return "password.weak.%d" % reason if reason else None


async def _stored(desk, number, password, by_provider):
    return await rooms.ask(
        "firmware.access.operators", "set_password", desk, number, password, by_provider
    )
