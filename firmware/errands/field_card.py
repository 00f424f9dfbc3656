"""A card's number: typed, or from the card itself, which then tells its expiry, too."""

from micropython import const

from firmware import rooms
from firmware.binding import model
from firmware.crypto.wipe import wipe
from firmware.errands import draft as drafts

_MAX = const(19)
_EXPIRY = const(4)
_DETAILS_WRONG = const(5)


async def run(desk, title):
    """Ask for DF36, another than the slot has unless its details were wrong. With the number of a
    card that was swiped its expiry is entered, and not asked for.
    """
    draft = desk.draft
    before = None
    if draft[drafts.REASON] != _DETAILS_WRONG:
        before = model.field(desk.state.binding(draft[drafts.SLOT]), model.PAN)
    read = bytearray(_EXPIRY + _MAX)  # the card swiped last

    def swiped():
        return desk.open("swipe", read)

    def fault(buf):
        code = rooms.ask("firmware.binding.rules", "card", buf, before)
        return "rule.%d" % code if code else None

    try:
        view = drafts.typing(draft, model.PAN, drafts.get(draft, model.PAN), _MAX)
        value = await desk.pages.digits(title, "field.card", 1, _MAX, view, False, fault, swiped)
        drafts.typed(draft)
        if value is None:
            return 0
        if value != drafts.get(draft, model.PAN):
            drafts.put(draft, model.EXPIRY, b"")  # it was another card's
        drafts.put(draft, model.PAN, value)
        known = read[0] and read[_EXPIRY : _EXPIRY + len(value)] == value
        wipe(value)
        if known:
            drafts.put(draft, model.EXPIRY, memoryview(read)[:_EXPIRY])
            return 2
        return 1
    finally:
        wipe(read)
