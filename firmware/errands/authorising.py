"""What comes of every proposal: it is approved, submitted, and told what became of it, which may
be that the owner is waited for.
"""

from firmware.binding import change
from firmware.errands import after


async def run(desk, title, proposal):
    """Have `proposal`, (action, slot, reason, TLVs), approved and submit it, to its end or for as
    long as somebody waits for that.
    """
    if await submitted(desk, title, proposal, [0, None, 0]) == after.OWNER:
        await desk.open("waiting")


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


async def of_form(desk, title, action, slot, fields):
    """Lead from the preparation page over the form's `fields` to the acquirer's answer; see `form`
    for what it is given. What was typed stays at the desk until it is in effect.
    """
    if desk.change.phase != change.IDLE:
        await desk.open("pending")
        return
    resumed = await desk.open("resume", title, action)
    if resumed is None or not await desk.open("preparation", title, slot, resumed):
        return
    approved = [0, None, 0]
    to = resumed or after.FORM
    while to:
        proposal = await desk.open("form", title, action, slot, fields, to)
        if proposal is None:
            return
        if isinstance(proposal, str):
            await desk.open(proposal)
            to = after.FORM
            continue
        to = await submitted(desk, title, proposal, approved)
        if to == after.OWNER:
            proposal = approved[1] = None  # what waits is on flash
            to = await desk.open("waiting")
