"""What comes of every proposal: it is approved, submitted, and told what became of it, which may
be that the owner is waited for.
"""

from firmware.binding import change
from firmware.errands import after


async def run(desk, title, proposal):
    """Have `proposal`, (action, slot, reason, TLVs), approved and submit it. Returns the errand
    that is next and what it is given, None for none.
    """
    to = await submitted(desk, title, proposal, [0, None, 0])
    return ("waiting", ()) if to == after.OWNER else None


async def submitted(desk, title, proposal, approved):
    """Have `proposal` approved and submit it; while a right code is all that is wanting, only that
    is asked for again.

    approved: see approval. Returns where that leads to, see after.leads_to; after.FORM when it was
    given up.
    """
    to = change.CODE
    while to == change.CODE:
        secrets = await desk.open("approval", title, approved, proposal)
        if secrets is None:
            return after.FORM
        to = await desk.open("submission", title, secrets, proposal)
    return to


async def of_form(desk, guide, title, action, slot, fields, to):
    """Lead from the preparation page over the form's `fields` to the acquirer's answer; see `form`
    for what it is given. What was typed stays at the desk until it is in effect.

    guide: the errand that asks. to: where to in the form, see after.leads_to, when it has been
    left for the owner only; 0 to begin. Returns as `run`.
    """
    if desk.change.phase != change.IDLE:
        return "pending", ()
    if not to:
        to = await desk.open("resume", title, action)
        if to is None or not await desk.open("preparation", title, slot, to):
            return None
    approved = [0, None, 0]
    to = to or after.FORM
    while to:
        proposal = await desk.open("form", title, action, slot, fields, to)
        if proposal is None:
            return None
        if isinstance(proposal, str):
            await desk.open(proposal)
            to = after.FORM
            continue
        to = await submitted(desk, title, proposal, approved)
        if to == after.OWNER:
            return "waiting", (False, guide, slot)
    return None
