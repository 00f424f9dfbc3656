"""Use a reserve: a change of the paid slot, filled in from what waits, approved as any other."""

from micropython import const

from firmware import rooms
from firmware.binding import model

_TITLE = "reserves.use"
_PAID = const(1)
_REASONS = (1, 2, 3, 4, 9)  # expired, lost, damaged, change of bank, other


async def run(desk, slot):
    """Lead from the reserve in `slot` to what is approved. Returns the errand that is next and
    what it is given, None for none. Until it is submitted power loss
    leaves everything as it was; the reserve stays where it is.
    """
    if not await desk.open("preparation", _TITLE, _PAID):
        return None
    reason = await rooms.ask("firmware.errands.field_reason", "chosen", desk, _REASONS)
    if not reason:
        return None
    tlvs = desk.state.binding(slot)
    of_card = model.field(tlvs, model.PAN) is not None
    action = model.CHANGE_CARD if of_card else model.CHANGE_ACCOUNT
    return "approval", (_TITLE, (action, _PAID, reason, tlvs))
