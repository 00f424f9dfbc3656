"""The request under review: whom it waits for, how long, and what came of it.

What always holds: by then the form is out of memory, and the line to the acquirer stays open for
as long as somebody watches. May import binding, storage.state, after, moment, ui.keys.
"""

from micropython import const

from firmware.binding import change, model
from firmware.binding.request import TIME_AT
from firmware.errands import after
from firmware.errands.moment import moment
from firmware.storage import state as keys
from firmware.ui.keys import CANCEL, CONFIRM, NONE
from firmware.ui.pages import Idle

_LOOK_MS = const(1000)
_OWNER_S = const(1800)  # from the first receipt, in which the owner confirms
_LONGEST_S = const(1920)  # that the page stays for nobody: by then the acquirer has said the end
_HOUR_AT = const(6)  # in a moment


async def run(desk, more=False):
    """Show it until it has ended, or the person leaves: the idle page tells the end then. Returns
    where the end leads to, see after.leads_to; CONFIRM when the person wants `more`.

    Who presses no key is logged out as ever, but while the owner is awaited the page stays. Power
    loss changes nothing.
    """
    pages, sync = desk.pages, desk.sync
    said = change.Outcome()  # the last that the acquirer said of it
    shown = None
    alone = False
    await sync.watch(True)
    pages.begin()
    try:
        while desk.change.phase == change.REVIEW:
            last = sync.last_outcome
            if last is not None and last.event == change.REVIEWING:
                said = last
            waited = desk.clock.now() - _begun(desk)
            awaited = waited < _LONGEST_S and after.leads_to(said) == after.OWNER
            if alone:
                if not awaited:
                    raise Idle
                pages.begin()
            page = _page(desk, said, awaited, last)
            if page != shown:
                shown = page
                pages.show(page[0], page[1], "ui.back", "ui.ok" if more else "")
            try:
                key = await pages.key(_LOOK_MS)
            except Idle:
                alone, shown = True, None
                continue
            if key == NONE:
                continue
            if alone:
                raise Idle  # nobody knows who it is
            if key & 0x7F == CANCEL:
                return after.NOWHERE
            if key & 0x7F == CONFIRM and more:
                return CONFIRM
    finally:
        await sync.watch(False)
    if desk.state.get(keys.NOTICE) is not None:
        desk.state.put(((keys.NOTICE, None),))
    to = await desk.open("outcome", sync.last_outcome)
    if alone:
        raise Idle
    return to


def _begun(desk):
    return int.from_bytes(desk.state.get(keys.PENDING)[TIME_AT : TIME_AT + 4], "big")


def _page(desk, said, awaited, last):
    # The text key of the title, and the words; there is room for three lines.
    text, begun = desk.text, _begun(desk)
    lines = []
    if last is not None and last.lost():
        lines.append(text("link.%d" % last.trouble))
    title = "waiting.title"
    hold = after.hold(desk, said)
    if awaited:
        waited = max(desk.clock.now() - begun, 0)
        until = moment(desk, begun + _OWNER_S)[_HOUR_AT:]
        lines.append(text("waiting.owner"))
        lines.append(text("waiting.time") % (waited // 60, waited % 60, until))
    elif hold:
        title = "waiting.hold"
        lines.append(hold)
    else:
        title = "result.review"
        lines.append(text("pending.phase.%d" % change.REVIEW))
    lines.append(model.truncated(model.number(desk.state.get(keys.PENDING_TLVS)) or b""))
    return title, "\n".join(lines)
