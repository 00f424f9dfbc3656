"""What comes of every proposal: it is approved, submitted, and told what became of it."""

from firmware.binding import change
from firmware.errands import after


async def run(desk, title, proposal, approved=None):
    """Have `proposal`, (action, slot, reason, TLVs), approved and submit it; while a right code is
    all that is wanting, only that is asked for again.

    approved: see approval. Returns where that leads to, see after.leads_to; after.FORM when it was
    given up.
    """
    to = change.CODE
    approved = approved or [0, None]
    while to == change.CODE:
        secrets = await desk.open("approval", title, approved, proposal)
        if secrets is None:
            return after.FORM
        to = await desk.open("submission", title, secrets, proposal)
    return to
