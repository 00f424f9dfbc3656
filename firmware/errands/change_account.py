"""Change a bound settlement account: prepare, enter, review, approve, submit, keep the record.

What the merchant has typed stays in the draft at the desk until it is in effect, so that a
refusal, also one that comes later, costs no second typing. Nothing is stored before it is
submitted: power loss until then leaves everything as it was.
"""

from firmware.binding import change, model
from firmware.errands import after

_TITLE = "change.title"
_FIELDS = (
    "field_reason",
    "field_name",
    "field_kind",
    "field_account",
    "field_cnaps",
    "field_licence",
)


async def run(desk, slot=1):
    """Lead the merchant from the preparation page to the acquirer's answer."""
    if desk.change.phase != change.IDLE:
        await desk.open("pending")
        return
    resumed = await desk.open("resume", _TITLE, model.CHANGE_ACCOUNT)
    if resumed is None or not await desk.open("preparation", _TITLE, slot, resumed):
        return
    approved = [0, None]
    at, proposal = resumed or after.FORM, None
    while at:
        if at != change.CODE or proposal is None:
            proposal = await desk.open("form", _TITLE, model.CHANGE_ACCOUNT, slot, _FIELDS, at)
            if proposal is None:
                return
        secrets = await desk.open("approval", _TITLE, approved, proposal)
        at = after.FORM
        if secrets is not None:
            at = await desk.open("submission", _TITLE, secrets, proposal)
        if at == after.OWNER:
            proposal = secrets = approved[1] = None  # what waits is on flash
            at = await desk.open("waiting")
