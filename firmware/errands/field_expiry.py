"""A card's expiry, typed as it is on the card: month, year."""

from micropython import const

from firmware import rooms
from firmware.acquirer.profile import EAST_S
from firmware.binding import model
from firmware.errands import draft as drafts

_LEN = const(4)
_MONTH = const(2)  # digits of it, before the slash


async def run(desk, title):
    """Ask for DF37; a card that is no longer good is refused here."""
    draft = desk.draft
    now = [0] * 6
    desk.clock.civil(desk.clock.now() + EAST_S, now)

    def fault(buf):
        code = rooms.ask("firmware.binding.rules", "expiry", _turned(buf), now[0], now[1])
        return "rule.%d" % code if code else None

    before = _turned(drafts.get(draft, model.EXPIRY))
    view = drafts.typing(draft, model.EXPIRY, before, _LEN)
    value = await desk.pages.digits(
        title, "field.expiry", _LEN, _LEN, view, check=fault, slash=_MONTH
    )
    drafts.typed(draft)
    if value is None:
        return 0
    drafts.put(draft, model.EXPIRY, _turned(value))
    return 1


def _turned(digits):
    # MMYY of YYMM, and the other way round.
    return bytes(digits[2:]) + bytes(digits[:2])
