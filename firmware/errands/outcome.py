"""Say what became of the pending request, and what to do next."""

from firmware import rooms
from firmware.binding import change
from firmware.errands import after, telling
from firmware.storage import state as store
from firmware.ui.pages import Idle


async def run(desk, outcome):
    """Show the Outcome of the last try. Returns where that leads to, see after.leads_to; after a
    success the person is logged out. Where it is the owner who is awaited, nothing is shown.
    """
    to = after.NOWHERE
    if outcome.event in (change.REVIEWING, change.REJECTED):
        to = rooms.ask("firmware.errands.after", "leads_to", outcome)
        if to == after.OWNER:
            return to
    pages, phase = desk.pages, desk.change.phase
    if outcome.event in (change.ACTIVE, change.SUPERSEDED, change.WITHDRAWN):
        # Nothing to go on with, were nobody here now.
        rooms.ask("firmware.errands.draft", "forget", desk)
    title, sound = telling.row(outcome.event, phase)
    if sound:
        await desk.board.beep(sound)
    try:
        await pages.message(title, telling.words(desk, outcome, phase), True)
    except Idle:
        if phase == change.IDLE:  # nobody has read how it ended
            desk.state.put(((store.NOTICE, bytes((outcome.event,))),))
        raise
    if outcome.event == change.ACTIVE:
        await pages.message(title, desk.text("result.log_in_again"), True)
        desk.log_out()
    return to
