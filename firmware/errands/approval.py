"""Who stands behind a change: operator's password again, for a card the merchant number, the
supervisor, and the owner. Whoever approves is shown what.
"""

from micropython import const

from firmware.access import roles
from firmware.access.roles import SUPERVISOR
from firmware.binding import model

_STANDS_S = const(120)


async def run(desk, title, approved, proposal):
    """Ask all of them in turn. Returns the secrets for sync.keep, or None when given up, or when
    it is not an operator who has entered it: it takes two people.

    approved: [until when, for what, wrong merchant numbers] as the two passwords were given last,
    kept up to date: for that very proposal, (action, slot, reason, TLVs), only the code is asked
    for meanwhile. It is known by its token: no copy of a number is kept.
    """
    if not roles.is_operator(desk.operator):
        await desk.pages.message(title, desk.text("approve.two"), True)
        return None
    action, slot, reason, tlvs = proposal
    what = action, slot, reason, desk.identity.token(tlvs)
    of_card = model.field(tlvs, model.PAN) is not None
    left = approved[0] - desk.clock.now()
    if not 0 < left <= _STANDS_S or what != approved[1]:  # over, or the clock was set
        if not await desk.prove(desk.operator, title):
            return None
        if of_card and not await desk.open("merchant_number", title, approved):
            return None
        if not await desk.open("consent", "approve.supervisor", title, slot, tlvs):
            return None
        if not await desk.prove(SUPERVISOR, title):
            return None
        approved[0] = desk.clock.now() + _STANDS_S
        approved[1] = what
    if not await desk.open("consent", "approve.owner", title, slot, tlvs):
        return None
    return await desk.open("codes", title, of_card)
