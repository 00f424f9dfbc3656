"""A new password: typed twice, then stored."""

from firmware import rooms
from firmware.access.defaults import is_default
from firmware.binding import rules
from firmware.crypto.wipe import wipe


async def run(desk, number):
    """Ask for the operator's new password and store it. Return False when given up."""
    pages = desk.pages
    while True:
        first = await pages.digits("password.title", "password.new", 4, 16, b"", True, _fault)
        if first is None:
            return False
        second = None
        try:
            second = await pages.digits("password.title", "password.again", 4, 16, b"", True)
            if second is not None and second == first:
                work = _stored(desk, number, first)
                await pages.working(work, "password.title", desk.text("password.storing"))
                await pages.message("password.title", desk.text("password.changed"), True)
                return True
        finally:
            wipe(first)
            if second is not None:
                wipe(second)
        await pages.message("password.title", desk.text("password.differ"), True)


def _fault(buf):
    code = rules.PASSWORD_DEFAULT if is_default(buf) else rules.password(buf)
    return "rule.%d" % code if code else None


async def _stored(desk, number, password):
    module, came = rooms.load("firmware.access.operators")
    try:
        await module.Operators(desk).set_password(number, password)
    finally:
        module = None
        rooms.drop(came)
