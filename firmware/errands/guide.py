"""A guided change: preparation, form, approval, submission; after a refusal the form again."""

from firmware.binding import change
from firmware.errands import after


async def lead(desk, guide, title, action, slot, fields, to):
    """Lead from the preparation page over the form's `fields` to the acquirer's answer; see `form`
    for what it is given. What was typed stays at the desk until it is in effect. Where a right
    code is all that is wanting, only that is asked for again.

    guide: the errand that asks. to: where to in the form, see after.leads_to, when it has been
    left for the owner only; 0 to begin. Returns the errand that is next and what it is given, None
    for none.
    """
    if desk.change.phase != change.IDLE:
        return "pending", ()
    if not to:
        to = await desk.open("resume", title, action)
        if to is None or not await desk.open("preparation", title, slot, to):
            return None
    approved = [0, None, 0]
    to, proposal = to or after.FORM, None
    while to:
        if to != change.CODE or proposal is None:
            proposal = await desk.open("form", title, action, slot, fields, to)
            if proposal is None:
                return None
            if isinstance(proposal, str):
                await desk.open(proposal)
                to = after.FORM
                continue
        secrets = await desk.open("approval", title, approved, proposal)
        to = after.FORM
        if secrets is not None:
            to = await desk.open("submission", title, secrets, proposal)
        if to == after.OWNER:
            return "waiting", (False, guide, slot)
    return None
