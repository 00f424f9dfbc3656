"""What comes of every proposal: it is approved, submitted, and told what became of it."""

from firmware.binding import change
from firmware.errands import after


async def run(desk, title, proposal, approved=None):
    """Have `proposal`, (action, slot, reason, TLVs), approved and submit it; wait for the owner.
    While a right code is all that is wanting, only that is asked for again.

    approved: see approval. Returns the tag of what is to be mended, after.FORM when no field is
    named or it was given up, after.NOWHERE when it is on its way or there is nothing to mend.
    """
    to = change.CODE
    approved = approved or [0, None]
    while to == change.CODE:
        secrets = await desk.open("approval", title, approved, proposal)
        if secrets is None:
            return after.FORM
        to = await desk.open("submission", title, secrets, proposal)
        if to == after.OWNER:
            to = await desk.open("waiting")
    return to
