"""Whom a request under review waits for, in words for the page that stays meanwhile.

In memory only while they are put together. May import binding, storage.state, after, moment.
"""

from micropython import const

from firmware.binding import change, model
from firmware.binding.request import TIME_AT
from firmware.errands import after
from firmware.errands.moment import moment
from firmware.storage import state as store

_OWNER_S = const(1800)  # from the first receipt, in which the owner confirms
_HOUR_AT = const(6)  # in a moment


def told(desk, last, before):
    """Return the text key of the title, the words, since when (Unix time), and until when the
    owner is waited for ("": it is not the owner), which is for the last of the three lines.

    last: the Outcome of the last try, or None. before: what this returned for the one before: what
    the acquirer said last holds on while it can't be reached.
    """
    text, state = desk.text, desk.state
    begun = int.from_bytes(state.get(store.PENDING)[TIME_AT : TIME_AT + 4], "big")
    below = model.masked(state.get(store.PENDING_TLVS))
    title, until = "result.review", ""
    words = text("pending.phase.%d" % change.REVIEW)
    if last is not None and last.event == change.REVIEWING:
        hold = after.hold(desk, last)
        if hold:
            title, words = "waiting.hold", hold
        elif after.leads_to(last) == after.OWNER:
            title, until = "waiting.title", moment(desk, begun + _OWNER_S)[_HOUR_AT:]
            words = text("waiting.owner")
    elif before is not None:
        title, words, _, until = before
        words = words.partition("\n")[0]
    if last is not None and last.lost():
        below = text("link.%d" % last.trouble)
    words += "\n" + below
    return title, words + "\n" if until else words, begun, until
