"""Change a bound bank card: why, which one, the new card and its holder, review, identity, submit,
keep the record.

What always holds, and what power loss leaves: as in change_account. A card's CVV2 is asked for
last, so that it is nowhere but on its way.
"""

from firmware.binding import change, model
from firmware.errands import after

_TITLE = "card.title"
_FIELDS = (
    "field_reason",
    "field_slot",
    "field_card",
    "field_expiry",
    "field_name",
    "field_licence",
)


async def run(desk, slot=0):
    """Lead the merchant from the preparation page to the acquirer's answer. slot: 0 for one that
    is chosen of all.
    """
    if desk.change.phase != change.IDLE:
        await desk.open("pending")
        return
    resumed = await desk.open("resume", _TITLE, model.CHANGE_CARD)
    if resumed is None or not await desk.open("preparation", _TITLE, slot, resumed):
        return
    approved = [0, None]
    at, proposal = resumed or after.FORM, None
    while at:
        if at != change.CODE or proposal is None:
            proposal = await desk.open("form", _TITLE, model.CHANGE_CARD, slot, _FIELDS, at)
            if proposal is None:
                return
        secrets = await desk.open("approval", _TITLE, approved, proposal)
        at = after.FORM
        if secrets is not None:
            at = await desk.open("submission", _TITLE, secrets, proposal)
        if at == after.OWNER:
            proposal = secrets = approved[1] = None  # what waits is on flash
            at = await desk.open("waiting")
