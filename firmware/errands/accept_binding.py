"""A binding was changed elsewhere: show it, let the supervisor accept it, keep the old one as
backup.
"""

from firmware.access.roles import SUPERVISOR
from firmware.binding import model
from firmware.crypto.wipe import wipe
from firmware.errands.moment import moment

_TITLE = "accept.title"


async def run(desk, slot=None):
    """Go through the bindings that differ from the acquirer's, of `slot` alone when one is given;
    say so when none does. Nothing changes without the supervisor.
    """
    waiting = [each for each in desk.sync.differing if slot is None or each[0] == slot]
    if not waiting:
        await desk.pages.message(_TITLE, _agrees(desk), True)
    for at, theirs in waiting:
        ours = desk.state.binding(at)
        mine = model.truncated(model.number(ours) or b"")
        if theirs is None:
            # What is stored stays to be looked at: only the acquirer binds anew, when asked to.
            await desk.pages.message(_TITLE, desk.text("accept.unbound") + "\n" + mine, True)
            continue
        body = "%s\n%s\n%s\n%s" % (
            desk.text("accept.ours"),
            mine,
            desk.text("accept.theirs"),
            model.truncated(model.number(theirs) or b""),
        )
        if await desk.pages.message(_TITLE, body) and await desk.prove(SUPERVISOR, _TITLE):
            told = "idle.differs"  # again, meanwhile: what was approved is no longer theirs
            if (at, theirs) in desk.sync.differing:
                desk.sync.accept(at, theirs, SUPERVISOR)
                wipe(theirs)
                told = "accept.done"
            await desk.pages.message(_TITLE, desk.text(told), True)


def _agrees(desk):
    if desk.sync.faulty:
        return desk.text("idle.faulty")
    if not desk.sync.reached_at:
        return desk.text("accept.unchecked")
    return desk.text("accept.agrees") + "\n" + moment(desk, desk.sync.reached_at)
