"""A binding was changed elsewhere: show it, let the supervisor accept it, keep the old one as
backup.
"""

from firmware.access.roles import SUPERVISOR
from firmware.binding import model

_TITLE = "accept.title"


async def run(desk):
    """Go through the bindings that differ from the acquirer's. Nothing changes without the
    supervisor.
    """
    for slot, theirs in list(desk.sync.differing):
        ours = desk.state.binding(slot)
        body = "%s\n%s\n%s\n%s" % (
            desk.text("accept.ours"),
            model.truncated(model.number(ours) or b""),
            desk.text("accept.theirs"),
            desk.text("bindings.none")
            if theirs is None
            else model.truncated(model.number(theirs) or b""),
        )
        if theirs is None:
            # Only the acquirer unbinds: what is stored stays to be looked at until it binds anew.
            await desk.pages.message(_TITLE, body, True)
        elif await desk.pages.message(_TITLE, body) and await desk.prove(SUPERVISOR, _TITLE):
            if (slot, theirs) in desk.sync.differing:  # it may have changed again meanwhile
                desk.sync.accept(slot, theirs, SUPERVISOR)
                await desk.pages.message(_TITLE, desk.text("accept.done"), True)
