"""The request under review: whom it waits for, how long, and what came of it.

What always holds: by then the guide that led here is out of memory, and the line to the acquirer
stays open for as long as somebody watches; the words come from `awaited`, which is in memory only
when there are other ones. May import rooms, binding.change, storage.state, ui.
"""

from micropython import const

from firmware import rooms
from firmware.binding import change
from firmware.storage import state as store
from firmware.ui.keys import CANCEL, CONFIRM, NONE
from firmware.ui.pages import Idle

_LOOK_MS = const(1000)
_LONGEST_S = const(1920)  # that the page stays for nobody: by then the acquirer has said the end


async def run(desk, back=None):
    """Show it until it has ended, or the person leaves: the idle page tells the end then. Returns
    the errand that is next and what it is given, None for none: the page of the request when more
    is wanted; when there is something to mend, what led here, `back`, see submission.

    Who presses no key is logged out as ever, but while the owner is awaited the page stays. Power
    loss changes nothing.
    """
    pages, sync = desk.pages, desk.sync
    seen = page = shown = None
    alone = False
    sync.watched = True
    sync.wake()
    pages.begin()
    try:
        while desk.change.phase == change.REVIEW:
            if page is None or sync.last_outcome is not seen:
                try:
                    page = rooms.ask(
                        "firmware.errands.awaited", "told", desk, sync.last_outcome, page
                    )
                    seen = sync.last_outcome
                except MemoryError:
                    if page is None:
                        raise
            title, words, begun, until = page
            waited = max(desk.clock.now() - begun, 0)
            if until:
                words += desk.text("waiting.time", (waited // 60, waited % 60, until))
            if alone:
                if not until or waited > _LONGEST_S:
                    raise Idle
                pages.begin()
            if until or page is not shown:
                shown = page
                pages.show(title, words, "ui.back", "ui.ok")
            try:
                key = await pages.key(_LOOK_MS)
            except Idle:
                alone, shown = True, None
                continue
            if alone and key != NONE:
                raise Idle  # nobody knows who it is
            key &= 0x7F
            if key == CANCEL:
                return None
            if key == CONFIRM:
                return "pending", (True,)
    finally:
        sync.watched = False
        if desk.change.phase != change.REVIEW:
            sync.wake()  # to sign on, which nobody had to wait for
        if not sync.talking:
            await sync.line.close()
    if desk.state.get(store.NOTICE) is not None:
        desk.state.put(((store.NOTICE, None),))
    try:
        to = await desk.open("outcome", sync.last_outcome)
    except MemoryError:
        desk.ended = sync.last_outcome.event
        raise
    if alone:
        raise Idle
    return (back[0], back[1] + (to,)) if back and to else None
