"""A new password: typed twice, then stored."""

from firmware import rooms
from firmware.access import operators
from firmware.binding import rules
from firmware.crypto.wipe import wipe

_TITLE = "password.title"


_TOLD = ("password.changed", "password.same", "password.taken", "reset.nobody")


async def run(desk, number, by_provider=False):
    """Ask for the operator's new password and store it. Return False when given up.

    by_provider: the provider has answered the challenge, see access.operators.
    """
    pages = desk.pages
    while True:
        first = await _asked(pages, "password.new", _fault)
        if first is None:
            return False
        second = None
        try:
            second = await _asked(pages, "password.again", None)
            told = "password.differ"
            if second is not None and second == first:
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


def _asked(pages, label, check):
    return pages.digits(_TITLE, label, rules.PASSWORD_MIN, rules.PASSWORD_MAX, b"", True, check)


def _fault(buf):
    code = rooms.ask("firmware.binding.rules", "password", buf)
    return "rule.%d" % code if code else None


async def _stored(desk, number, password, by_provider):
    return await rooms.ask(
        "firmware.access.operators", "set_password", desk, number, password, by_provider
    )
