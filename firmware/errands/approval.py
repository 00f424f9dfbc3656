"""Who stands behind a change: operator's password again, for a card the merchant number, the
supervisor, and the owner. Whoever approves is shown what.

It says what is next and ends, as does what led here: neither is in memory while it is sent.
"""

from micropython import const

from firmware.access import roles
from firmware.access.roles import SUPERVISOR
from firmware.binding import model
from firmware.errands import after

_STANDS_S = const(120)


async def run(desk, title, proposal, back=None, approved=None):
    """Ask all of them in turn, and have the sync keep the secrets that go with the proposal,
    (action, slot, reason, TLVs). Returns the errand that is next and what it is given, None for
    none.

    back: (errand, slot) whose form this goes back to when it is given up, None for none; it is
    given the slot, where to in its form, and `approved`: [until when, proposal, wrong merchant
    numbers] as the two passwords were given for it last, kept up to date, None for not yet. For
    that very proposal only the code is asked for meanwhile.
    """
    approved = approved or [0, None, 0]
    if await _stood_for(desk, title, proposal, approved):
        return "submission", (title, proposal, back, approved)
    return back and (back[0], (back[1], after.FORM, approved))


async def _stood_for(desk, title, proposal, approved):
    # Whether all of them were there; it takes two people, and one of them an operator.
    if not roles.is_operator(desk.operator):
        await desk.pages.message(title, desk.text("approve.two"), True)
        return False
    _, slot, _, tlvs = proposal
    of_card = model.field(tlvs, model.PAN) is not None
    left = approved[0] - desk.clock.now()
    if not 0 < left <= _STANDS_S or proposal != approved[1]:  # over, or the clock was set
        if not await desk.prove(desk.operator, title):
            return False
        if of_card and not await desk.open("merchant_number", title, approved):
            return False
        if not await desk.open("consent", "approve.supervisor", title, slot, tlvs):
            return False
        if not await desk.prove(SUPERVISOR, title):
            return False
        approved[0] = desk.clock.now() + _STANDS_S
        approved[1] = proposal
    if not await desk.open("consent", "approve.owner", title, slot, tlvs):
        return False
    secrets = await desk.open("codes", title, of_card)
    if secrets is None:
        return False
    desk.sync.keep(secrets)  # before anything that may fail
    return True
