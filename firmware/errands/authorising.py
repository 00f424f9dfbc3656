"""What comes of a proposal that no form was filled in for: it is approved, submitted, and told
what became of it. `guide` has the same steps in itself: there is less in memory.
"""

from firmware.binding import change
from firmware.errands import after


async def run(desk, title, proposal):
    """Have `proposal`, (action, slot, reason, TLVs), approved and submit it. Returns the errand
    that is next and what it is given, None for none.
    """
    to = await submitted(desk, title, proposal)
    return ("waiting", ()) if to == after.OWNER else None


async def submitted(desk, title, proposal):
    """Have `proposal` approved and submit it; while a right code is all that is wanting, only that
    is asked for again.

    Returns where that leads to, see after.leads_to; after.FORM when it was given up.
    """
    approved = [0, None, 0]
    to = change.CODE
    while to == change.CODE:
        secrets = await desk.open("approval", title, approved, proposal)
        if secrets is None:
            return after.FORM
        to = await desk.open("submission", title, secrets, proposal)
    return to
