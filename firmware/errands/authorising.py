"""What comes of every proposal: it is approved, submitted, and told what became of it."""

from firmware.binding import change
from firmware.crypto.wipe import wipe

_WRONG_CODE = b"55"


async def run(desk, title, proposal, approved=None):
    """Have `proposal`, (action, slot, reason, TLVs), approved and submit it; while a right code is
    all that is wanting, only that is asked for again.

    approved: see approval. TLVs that a form has made (a bytearray) are overwritten at the end: the
    draft has what was typed. Returns True when it may be mended, since it was refused or given up,
    False when it is on its way or has ended.
    """
    code = _WRONG_CODE
    approved = approved or [0, None, 0]
    try:
        while code == _WRONG_CODE:
            secrets = await desk.open("approval", title, approved, proposal)
            if secrets is None:
                return True
            code = await desk.open("submission", title, secrets, proposal)
    finally:
        if isinstance(proposal[3], bytearray):
            wipe(proposal[3])
    return code is not None


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
    mending = True
    while mending:
        proposal = await desk.open("form", title, action, slot, fields)
        if isinstance(proposal, str):
            await desk.open(proposal)
            continue
        mending = proposal and await run(desk, title, proposal, approved)
