"""Who stands behind a change: operator's password again, supervisor's approval, owner's one-time
code.
"""

from micropython import const

from firmware.access.roles import SUPERVISOR
from firmware.binding.change import CODE

_STANDS_S = const(120)


async def run(desk, title, stands=None):
    """Ask all three in turn. Returns the secrets for sync.keep, or None when given up.

    stands: [time until which the two passwords were given for this very proposal], kept up to
    date; until then only the code is asked for.
    """
    if stands is None or desk.clock.now() >= stands[0]:
        if not await desk.prove(desk.operator, title):
            return None
        if desk.operator != SUPERVISOR:
            await desk.pages.message(title, desk.text("approve.supervisor"), True)
            if not await desk.prove(SUPERVISOR, title):
                return None
        if stands is not None:
            stands[0] = desk.clock.now() + _STANDS_S
    code = await desk.pages.digits(title, "approve.code", 6, 6)
    return None if code is None else ((CODE, code),)
