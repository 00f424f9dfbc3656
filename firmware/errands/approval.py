"""Who stands behind a change: operator's password again, for a card the merchant number, the
supervisor, and the owner. Whoever approves is shown what. With the last word it is stored.

It says what is next and ends, as does what led here.
"""

from micropython import const

from firmware import rooms
from firmware.access import roles
from firmware.access.roles import SUPERVISOR
from firmware.binding import change, model
from firmware.crypto.wipe import wipe
from firmware.errands import after

_STANDS_S = const(120)


async def run(desk, title, proposal=None, back=None, to=change.CODE, approved=None):
    """Ask all of them in turn, have the sync keep the secrets, and store the proposal, (action,
    slot, reason, TLVs), as the pending request. Returns the errand that is next and what it is
    given, None for none.

    proposal: None for the draft at the desk; what is composed of that is overwritten. back, for a
    draft: whose form it is, as in submission, for when it is given up or refused. to: without one
    there is nothing that may be mended but the one-time code. approved: [until when, for what,
    wrong merchant numbers] as the two passwords were given last, kept up to date, None for not
    yet: for that very proposal only the code is asked for meanwhile. It is known by its token: no
    copy of a number is kept.
    """
    if to != change.CODE:
        return None
    approved = approved or [0, None, 0]
    composed = None
    try:
        if proposal is None:
            composed = rooms.ask("firmware.errands.draft", "proposal", desk)
        stored = await _stored(desk, title, approved, proposal or composed)
    finally:
        if composed is not None:
            wipe(composed[3])
    if stored:
        return "submission", (title, back or ("approval", (title, proposal, None)), approved)
    return (back[0], back[1] + (after.FORM, approved)) if back else None


async def _stored(desk, title, approved, proposal):
    # Whether all of them were there; it takes two people, and an operator has entered it.
    if not roles.is_operator(desk.operator):
        await desk.pages.message(title, desk.text("approve.two"), True)
        return False
    action, slot, reason, tlvs = proposal
    what = action, slot, reason, desk.identity.token(tlvs)
    of_card = model.field(tlvs, model.PAN) is not None
    left = approved[0] - desk.clock.now()
    if not 0 < left <= _STANDS_S or what != approved[1]:  # over, or the clock was set
        if not await desk.prove(desk.operator, title):
            return False
        if of_card and not await desk.open("merchant_number", title, approved):
            return False
        if not await desk.open("consent", "approve.supervisor", title, slot, tlvs):
            return False
        if not await desk.prove(SUPERVISOR, title):
            return False
        approved[0] = desk.clock.now() + _STANDS_S
        approved[1] = what
    if not await desk.open("consent", "approve.owner", title, slot, tlvs):
        return False
    secrets = await desk.open("codes", title, of_card)
    if secrets is None:
        return False
    desk.sync.keep(secrets)  # before anything that may fail
    await desk.open("propose", *proposal)
    return True
