"""What waits in the slots beside the paid one: bind it ahead of time, use it, remove it.

Nothing changes here: each of these is a request to the acquirer. Power loss until it is submitted
leaves everything as it was.
"""

from firmware import rooms
from firmware.binding import change, model
from firmware.errands import after
from firmware.errands.field_slot import words
from firmware.storage import state as store
from firmware.ui.keys import BACK

_TITLE = "reserves.title"
_PAID = 1
_USED_FOR = (1, 2, 3, 4, 9)  # expired, lost, damaged, change of bank, other
_OTHER = 9


async def run(desk):
    """Choose a reserve slot, and what is to become of it."""
    if desk.change.phase != change.IDLE:
        await desk.open("pending")
        return
    at = 0
    while desk.operator is not None and desk.change.phase == change.IDLE:
        items = [words(desk, slot) for slot in range(_PAID + 1, store.SLOTS + 1)]
        at = await desk.pages.menu(_TITLE, items, at)
        if at == BACK:
            return
        slot = at + _PAID + 1
        if desk.state.binding(slot) is None:
            await _bind(desk, slot)
        else:
            await _bound(desk, slot)


async def _bind(desk, slot):
    text = desk.text
    at = await desk.pages.menu(_TITLE, [text("reserves.card"), text("reserves.account")])
    if at != BACK:
        rooms.ask("firmware.errands.draft", "run", desk)  # of another slot
        await desk.open("change_account" if at else "change_card", slot)


async def _bound(desk, slot):
    text, tlvs = desk.text, desk.state.binding(slot)
    at = await desk.pages.menu(_TITLE, [text("reserves.use"), text("reserves.remove")])
    if at == BACK:
        return
    title = "reserves.remove" if at else "reserves.use"
    if not await desk.open("preparation", title, slot if at else _PAID):
        return
    if at:
        proposal = model.REMOVE, slot, _OTHER, b""
    else:
        at = await desk.pages.menu(
            "field.reason", [text("reason.%d" % each) for each in _USED_FOR]
        )
        if at == BACK:
            return
        card = model.field(tlvs, model.PAN) is not None
        proposal = model.CHANGE_CARD if card else model.CHANGE_ACCOUNT, _PAID, _USED_FOR[at], tlvs
    if await desk.open("authorising", title, proposal) == after.OWNER:
        await desk.open("waiting")
