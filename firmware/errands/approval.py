"""Who stands behind a change: operator's password again, supervisor's approval, owner's one-time
code.
"""

from micropython import const

from firmware.access.roles import SUPERVISOR
from firmware.binding.change import CODE

_STANDS_S = const(120)


async def run(desk, title, approved=None, proposal=None):
    """Ask all three in turn. Returns the secrets for sync.keep, or None when given up.

    approved: [until when, proposal] as the two passwords were given for it last, kept up to date:
    for that very proposal only the code is asked for meanwhile.
    """
    left = approved[0] - desk.clock.now() if approved is not None else 0
    if not 0 < left <= _STANDS_S or proposal != approved[1]:  # over, or the clock was set
        if not await desk.prove(desk.operator, title):
            return None
        if desk.operator != SUPERVISOR:
            await desk.pages.message(title, desk.text("approve.supervisor"), True)
            if not await desk.prove(SUPERVISOR, title):
                return None
        if approved is not None:
            approved[0] = desk.clock.now() + _STANDS_S
            approved[1] = proposal
    code = await desk.pages.digits(title, "approve.code", 6, 6)
    return None if code is None else ((CODE, code),)
