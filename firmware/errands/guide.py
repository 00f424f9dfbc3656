"""A guided change, from the preparation page to what is submitted; after a refusal its form."""

from firmware.binding import change
from firmware.crypto.wipe import wipe
from firmware.errands import after


async def lead(desk, guide, title, action, slot, fields, to, approved):
    """Lead from the preparation page over the form's `fields` and the approval to what is to be
    submitted; see `form` for what it is given. What was typed stays at the desk until it is in
    effect; what was composed of it is overwritten.

    guide: the errand that asks. to: where to in the form, see after.leads_to, when it has been
    left for an answer; 0 to begin. approved: see approval; None for not yet. Returns the errand
    that is next and what it is given, None for none.
    """
    if desk.change.phase != change.IDLE:
        return "pending", ()
    if not to:
        to = await desk.open("resume", title, action)
        if to is None or not await desk.open("preparation", title, slot, to):
            return None
    to = to or after.FORM
    approved = approved or [0, None, 0]
    stored = False
    while not stored:
        proposal = await desk.open("form", title, action, slot, fields, to)
        to = after.FORM
        if proposal is None:
            return None
        if isinstance(proposal, str):
            await desk.open(proposal)
            continue
        try:
            stored = await desk.open("approval", title, approved, proposal)
        finally:
            wipe(proposal[3])
    return "submission", (title, (guide, (slot,)), approved)
