"""Take back the request under way: the two people that it takes, then the acquirer's word."""

from firmware.access import roles
from firmware.access.roles import SUPERVISOR
from firmware.binding import change, model
from firmware.binding.request import SLOT_AT
from firmware.storage import state as store

_TITLE = "pending.title"


async def run(desk):
    """Have whoever is logged in and the other of the two agree, once they were shown to what.
    Returns the errand that is next and what it is given, None for none: when one of them does not,
    whom it waits for is shown again.
    """
    get = desk.state.get
    which = "%d: %s\n" % (get(store.PENDING)[SLOT_AT], model.masked(get(store.PENDING_TLVS)))
    if await desk.pages.message(_TITLE, which + desk.text("pending.withdraw_ask")):
        asking = await _two(desk)
        if asking is not None:
            return "submission", (_TITLE, None, None, asking)
    return ("waiting", ()) if desk.change.phase == change.REVIEW else None


async def _two(desk):
    # Return the operator of them.
    if desk.operator != SUPERVISOR:
        return desk.operator if await desk.prove(SUPERVISOR, _TITLE) else None
    number = await desk.pages.digits(_TITLE, "log_in.number", 2, 2, b"01", False, _operators)
    if number is None:
        return None
    number = bytes(number)
    return number if await desk.prove(number, _TITLE) else None


def _operators(number):
    return None if roles.is_operator(number) else "operators.range"
