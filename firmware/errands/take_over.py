"""A binding was changed elsewhere: show it, let the supervisor accept it, keep the old one as
backup.
"""

from firmware import rooms
from firmware.access.roles import SUPERVISOR
from firmware.acquirer import sync
from firmware.binding import change, model
from firmware.binding.change import NoAnswer
from firmware.crypto.wipe import wipe
from firmware.errands.moment import moment

_TITLE = "take_over.title"


async def run(desk, slot=None):
    """Go through the bindings that differ from the acquirer's, of `slot` alone when one is given;
    without one the acquirer is asked first, and when none differs that is said. Nothing changes
    without the supervisor: an unbound slot stays in sight until one has accepted that, too.
    """
    told = None
    if slot is None:
        desk.pages.busy(_TITLE, desk.text("prepare.reachable"))
        told = await desk.pages.working(_asked(desk))
    waiting = [each for each in desk.sync.differing if slot is None or each[0] == slot]
    if told is not None and not waiting:
        await desk.pages.message(_TITLE, told, True)
    for at, theirs in waiting:
        mine = model.masked(desk.state.binding(at))
        if theirs is None:
            body = "%s\n%s\n%s" % (
                desk.text("take_over.unbound"),
                mine,
                desk.text("take_over.clear"),
            )
        elif not theirs:  # it can't be read: nobody can accept it
            body = "%s %s" % (desk.text("take_over.faulty"), desk.hotline)
            await desk.pages.message(_TITLE, body, True)
            continue
        else:
            body = "%s\n%s\n%s\n%s" % (
                desk.text("take_over.ours"),
                mine,
                desk.text("take_over.theirs"),
                model.masked(theirs),
            )
        if await desk.pages.message(_TITLE, body) and await desk.prove(SUPERVISOR, _TITLE):
            told = "idle.differs"  # again, meanwhile: what was approved is no longer theirs
            if (at, theirs) in desk.sync.differing:
                accepted = desk.sync, at, theirs, SUPERVISOR
                rooms.ask("firmware.acquirer.taking_over", "take_over", *accepted)
                told = "take_over.cleared"
                if theirs:
                    wipe(theirs)
                    told = "take_over.done"
            await desk.pages.message(_TITLE, desk.text(told), True)


async def _asked(desk):
    # What is to be said when nothing is known to differ; of an older check never that it agrees.
    text, last = desk.text, desk.sync
    try:
        await last.sign_on()
    except NoAnswer as error:
        return text("link.%d" % error.code)
    if last.reached == sync.DECLINED:
        return rooms.ask("firmware.errands.reasons", "words", text, last.code)
    if desk.change.phase > change.STORED:  # its slot is compared when it is settled
        return text("idle.phase.%d" % desk.change.phase)
    if last.faulty:
        return "%s %s" % (text("idle.faulty"), desk.hotline)
    return text("take_over.agrees") + "\n" + moment(desk, last.reached_at)
