"""What comes of a proposal that no form was filled in for: it is approved, then submitted."""

from firmware.binding import change


async def run(desk, title, proposal, to=change.CODE, approved=None):
    """Have `proposal`, (action, slot, reason, TLVs), approved. Returns the errand that is next and
    what it is given, None for none.

    to: see after.leads_to: there is nothing here that may be mended but the one-time code.
    approved: see approval; None for not yet.
    """
    approved = approved or [0, None, 0]
    if to != change.CODE or not await desk.open("approval", title, approved, proposal):
        return None
    return "submission", (title, ("authorising", (title, proposal)), approved)
