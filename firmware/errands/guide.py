"""A guided change, from the preparation page to what is to be approved; after a refusal the form
again.
"""

from firmware.binding import change
from firmware.errands import after


async def lead(desk, guide, title, action, slot, fields, to, approved):
    """Lead from the preparation page over the form's `fields` to the last page of it; see `form`
    for what it is given. What was typed stays at the desk until it is in effect.

    guide: the errand that asks. to: where to in the form, see after.leads_to, when it has been
    left for an approval or an answer; 0 to begin. approved: see approval. Returns the errand that
    is next and what it is given, None for none.
    """
    if desk.change.phase != change.IDLE:
        return "pending", ()
    if not to:
        to = await desk.open("resume", title, action)
        if to is None or not await desk.open("preparation", title, slot, to):
            return None
    to = to or after.FORM
    while True:
        proposal = await desk.open("form", title, action, slot, fields, to)
        if not isinstance(proposal, str):
            break
        await desk.open(proposal)
        to = after.FORM
    return ("approval", (title, proposal, (guide, slot), approved)) if proposal else None
