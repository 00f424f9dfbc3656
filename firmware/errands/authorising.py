"""What comes of a proposal that no form was filled in for: it is approved, submitted, and told
what became of it. The guides have the same steps in themselves: there is less in memory.
"""

from firmware.binding import change
from firmware.errands import after


async def run(desk, title, proposal):
    """Have `proposal`, (action, slot, reason, TLVs), approved and submit it; while a right code is
    all that is wanting, only that is asked for again.

    Returns where that leads to, see after.leads_to; after.FORM when it was given up.
    """
    to = change.CODE
    approved = [0, None]
    while to == change.CODE:
        secrets = await desk.open("approval", title, approved, proposal)
        if secrets is None:
            return after.FORM
        to = await desk.open("submission", title, secrets, proposal)
    return to
