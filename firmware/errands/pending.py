"""The request under way: what it is waiting for, ask again now, send it, or take it back."""

from firmware import rooms
from firmware.access.roles import SUPERVISOR
from firmware.binding import change, model
from firmware.binding.request import pending
from firmware.errands import after, telling
from firmware.storage import state as store
from firmware.ui.keys import BACK

_TITLE = "pending.title"


async def run(desk, seen=False):
    """Show the pending request and let the person act on it; `seen`: who is waited for was shown.
    Returns the errand that is next and what it is given, None for none. Power loss changes
    nothing.
    """
    request = pending(desk.state)
    if request is None:
        await desk.pages.message(_TITLE, desk.text("pending.none"), True)
        return None
    phase = desk.change.phase
    if phase == change.REVIEW:
        waiting = "waiting", ()
        return await _sent(desk, request) or waiting if seen else waiting
    lines = [desk.text("pending.phase.%d" % phase)]
    lines.append(model.masked(request.tlvs))
    lines += _why(desk, phase)
    await desk.pages.message(_TITLE, "\n".join(lines), True)
    see_to = _unsent if phase == change.STORED else _sent
    return await see_to(desk, request)


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
    # It is the acquirer's to decide: ask, or have it taken back. Returns what is next.
    items = [desk.text("pending.ask_now"), desk.text("pending.withdraw")]
    at = await desk.pages.menu(_TITLE, items)
    if at == 0:  # whoever approves enters nothing, a right code neither
        if desk.operator == SUPERVISOR:
            return "submission", (_TITLE,)
        return "submission", (_TITLE, ("approval", (_TITLE, _proposal(request), None)))
    return ("withdraw", ()) if at == 1 else None


def _proposal(request):
    return request.action, request.slot, request.reason, request.tlvs


async def _unsent(desk, request):
    # Never sent: it may go now, with a fresh one-time code, or be given up. Returns as above.
    items = [desk.text("pending.send"), desk.text("pending.cancel")]
    if desk.operator == SUPERVISOR:
        items[:1] = ()  # whoever approves enters nothing
    at = await desk.pages.menu(_TITLE, items)
    if at == len(items) - 1:
        desk.change.cancel()
        desk.sync.forget()
        rooms.ask("firmware.errands.draft", "forget", desk)
        await desk.pages.message(_TITLE, desk.text("pending.cancelled"), True)
    elif at != BACK and await desk.open("preparation", _TITLE, request.slot, True):
        return "approval", (_TITLE, _proposal(request))
    return None
