"""Who stands behind a change: operator's password again, supervisor's approval, owner's one-time
code.
"""

from firmware.access.roles import SUPERVISOR
from firmware.binding.change import CODE


async def run(desk, title):
    """Ask all three in turn. Returns the secrets for sync.keep, or None when given up."""
    if not await desk.prove(desk.operator, title):
        return None
    if desk.operator != SUPERVISOR:
        await desk.pages.message(title, desk.text("approve.supervisor"), True)
        if not await desk.prove(SUPERVISOR, title):
            return None
    code = await desk.pages.digits(title, "approve.code", 6, 6)
    return None if code is None else ((CODE, code),)
