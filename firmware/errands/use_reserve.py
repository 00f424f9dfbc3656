"""Use a reserve: a change of the paid slot, filled in from what waits, approved as any other."""

from micropython import const

from firmware.binding import model
from firmware.errands import authorising
from firmware.ui.keys import BACK

_TITLE = "reserves.use"
_PAID = const(1)
_REASONS = (1, 2, 3, 4, 9)  # expired, lost, damaged, change of bank, other


async def run(desk, slot):
    """Lead from the reserve in `slot` to the acquirer's answer. Until it is submitted power loss
    leaves everything as it was; the reserve stays where it is.
    """
    if not await desk.open("preparation", _TITLE, _PAID):
        return
    items = [desk.text("reason.%d" % reason) for reason in _REASONS]
    at = await desk.pages.menu("field.reason", items)
    if at == BACK:
        return
    tlvs = desk.state.binding(slot)
    of_card = model.field(tlvs, model.PAN) is not None
    action = model.CHANGE_CARD if of_card else model.CHANGE_ACCOUNT
    await authorising.run(desk, _TITLE, (action, _PAID, _REASONS[at], tlvs))
