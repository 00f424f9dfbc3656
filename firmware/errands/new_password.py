"""A new password: typed twice, then stored."""

from firmware import rooms
from firmware.binding import rules
from firmware.crypto.wipe import wipe

_TITLE = "password.title"


async def run(desk, number):
    """Ask for the operator's new password and store it. Return False when given up."""
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
                work = _stored(desk, number, first)
                stored = await pages.working(work, _TITLE, desk.text("password.storing"))
                told = "password.changed" if stored else "password.same"
        finally:
            wipe(first)
            if second is not None:
                wipe(second)
        await pages.message(_TITLE, desk.text(told), True)
        if told == "password.changed":
            return True


def _asked(pages, label, check):
    return pages.digits(_TITLE, label, rules.PASSWORD_MIN, rules.PASSWORD_MAX, b"", True, check)


def _fault(buf):
    code = rooms.ask("firmware.binding.rules", "password", buf)
    return "rule.%d" % code if code else None


async def _stored(desk, number, password):
    return await rooms.ask("firmware.access.operators", "set_password", desk, number, password)
