"""How long the terminal rests before it talks to the acquirer again.

May import sync, binding.change, binding.request, storage.state.
"""

from micropython import const

from firmware.acquirer import profile
from firmware.acquirer.sync import EVERY_S
from firmware.binding import change
from firmware.binding.request import TIME_AT
from firmware.storage import state as store

_FIRST_S = const(5)  # after a lost answer; doubled each time
_LONGEST_S = const(300)
_DOUBLINGS = const(6)  # more than enough for that
LEAPS = const(11)  # each key tried is far above the last (see line): soon one is new, or none is
_HOUR_S = const(3600)
_MINUTE_S = const(60)
_WATCHED_S = const(10)  # unless the acquirer says (DF4A)
_SOONEST_S = const(3)


def rest(sync, reached):
    """Return the seconds until the next conversation of `sync`; `reached` tells whether the last
    one came to its end.
    """
    phase = sync.change.phase
    soon = profile.SOON.find(sync.code) % 2 == 0  # where a code begins
    if not reached or phase == change.SENT or soon:
        tries = sync.tries
        sync.tries = min(tries + 1, _DOUBLINGS)
        if reached and sync.code == profile.OLD_KEY:
            sync.tries, tries = 0, sync.line.leaps - 1 - LEAPS
        return min(_FIRST_S << min(max(tries, 0), _DOUBLINGS), _LONGEST_S)
    sync.tries = 0
    seconds = _MINUTE_S if sync.doubt else EVERY_S
    if phase == change.REVIEW:
        since = int.from_bytes(sync.state.get(store.PENDING)[TIME_AT : TIME_AT + 4], "big")
        if 0 <= sync.clock.now() - since < _HOUR_S:  # below: the clock was set back since
            seconds = _MINUTE_S
        if sync.watched:
            last = sync.last_outcome
            again = last.again_s if last is not None else 0
            seconds = min(max(again, _SOONEST_S) if again else _WATCHED_S, seconds)
    return seconds
