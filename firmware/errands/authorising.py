"""What comes of every proposal: it is approved, submitted, and told what became of it."""

_WRONG_CODE = b"55"


async def run(desk, title, proposal, approved=None):
    """Have `proposal`, (action, slot, reason, TLVs), approved and submit it; while a right code is
    all that is wanting, only that is asked for again.

    approved: see approval. Returns True when it may be mended, since it was refused or given up,
    False when it is on its way or has ended.
    """
    code = _WRONG_CODE
    approved = approved or [0, None, 0]
    while code == _WRONG_CODE:
        secrets = await desk.open("approval", title, approved, proposal)
        if secrets is None:
            return True
        code = await desk.open("submission", title, secrets, proposal)
    return code is not None
