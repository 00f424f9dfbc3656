"""The request under way: what it is waiting for, ask again now, send it, or take it back."""

from firmware import rooms
from firmware.access import roles
from firmware.access.roles import SUPERVISOR
from firmware.binding import change, model
from firmware.binding.request import pending
from firmware.errands import after, authorising, telling
from firmware.storage import state as store
from firmware.ui.keys import BACK, CONFIRM

_TITLE = "pending.title"


async def run(desk):
    """Show the pending request and let the person act on it. Power loss changes nothing."""
    request = pending(desk.state)
    if request is None:
        await desk.pages.message(_TITLE, desk.text("pending.none"), True)
        return
    phase = desk.change.phase
    if phase != change.REVIEW:
        lines = [desk.text("pending.phase.%d" % phase)]
        lines.append(model.masked(request.tlvs))
        lines += _why(desk, phase)
        await desk.pages.message(_TITLE, "\n".join(lines), True)
        see_to = _unsent if phase == change.STORED else _sent
        if await see_to(desk, request) != after.OWNER:
            return
    while desk.change.phase == change.REVIEW:
        if await desk.open("waiting", True) != CONFIRM:
            return
        await _sent(desk, request)


def _why(desk, phase):
    # What the acquirer said that holds it, and what was in the way at the last try.
    lines = []
    if phase == change.HELD:
        held = change.Outcome()
        held.event = change.STUCK
        held.code = desk.state.get(store.PENDING_STATE)[1:] or change.NO_ANSWER
        if held.code != change.NO_ANSWER:
            lines.append(telling.because(desk, held))
            lines.append(after.advice(desk, held.code))
        lines.append(desk.text("submit.held"))
    last = desk.sync.last_outcome
    if last is not None and last.event in (change.UNSETTLED, change.NO_SUCH):
        no_such = last.event == change.NO_SUCH
        lines.append(
            desk.text("pending.last")
            + (desk.text("told.no_such") if no_such else telling.because(desk, last))
        )
    return lines


async def _sent(desk, request):
    # It is the acquirer's to decide: ask, or have it taken back. Returns what that leads to.
    items = [desk.text("pending.ask_now"), desk.text("pending.withdraw")]
    at = await desk.pages.menu(_TITLE, items)
    if at == 0:
        to = await desk.open("submission", _TITLE)
        return to if desk.operator == SUPERVISOR else await _send(desk, request, to)
    if at == 1:
        if await desk.pages.message(_TITLE, desk.text("pending.withdraw_ask")):
            asking = await _two(desk)
            if asking is not None:
                await desk.open("submission", _TITLE, None, None, asking)
    return after.NOWHERE


async def _two(desk):
    # Whoever is logged in and the other of the two that it takes; return the operator of them.
    if desk.operator != SUPERVISOR:
        return desk.operator if await desk.prove(SUPERVISOR, _TITLE) else None
    number = await desk.pages.digits(_TITLE, "log_in.number", 2, 2, b"01", False, _operators)
    if number is None:
        return None
    number = bytes(number)
    return number if await desk.prove(number, _TITLE) else None


def _operators(number):
    return None if roles.is_operator(number) else "operators.range"


async def _unsent(desk, request):
    # Never sent: it may go now, with a fresh one-time code, or be given up. Returns as above.
    items = [desk.text("pending.send"), desk.text("pending.cancel")]
    if desk.operator == SUPERVISOR:
        items[:1] = ()  # whoever approves enters nothing
    at = await desk.pages.menu(_TITLE, items)
    if at == BACK:
        return after.NOWHERE
    if at == len(items) - 1:
        desk.change.cancel()
        desk.sync.forget()
        rooms.ask("firmware.errands.draft", "forget", desk)
        await desk.pages.message(_TITLE, desk.text("pending.cancelled"), True)
        return after.NOWHERE
    if not await desk.open("preparation", _TITLE, request.slot, True):
        return after.NOWHERE
    return await _send(desk, request, change.CODE)


async def _send(desk, request, to):
    # Propose the same, to what its slot has now, for as long as a right code is all that is
    # wanting. Returns as above.
    if to != change.CODE:
        return to
    proposal = request.action, request.slot, request.reason, request.tlvs
    return await authorising.submitted(desk, _TITLE, proposal)
