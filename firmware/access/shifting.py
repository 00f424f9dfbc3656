"""Lock-outs last as long as they were to, also when the clock is set meanwhile.

May import storage.state and the constants of operators and reset.
"""

import struct

from firmware.access.operators import ATTEMPTS_MAX, STRANGER_LEN
from firmware.access.reset import TIMES, TIMES_AT
from firmware.storage import state as store

_LAYOUT = ">BI"  # as `operators` keeps attempts: failures, locked until


def put_off(state, now, seconds):
    """Return the changes that move the end of every lock-out that has not run out at `now` by
    `seconds`, and the new time with them, so that power loss moves none of them twice.
    """
    changes = []
    for index in range(store.OPERATORS):
        stored = state.get(store.ATTEMPTS + index)
        if stored is not None and len(stored) == struct.calcsize(_LAYOUT):
            failures, until = struct.unpack(_LAYOUT, stored)
            if until > now:
                moved = max(0, until + seconds)
                changes.append((store.ATTEMPTS + index, struct.pack(_LAYOUT, failures, moved)))
    strangers = bytearray(state.get(store.STRANGERS) or b"")
    shifted = False
    for at in range(1, len(strangers), STRANGER_LEN):
        until = struct.unpack_from(">I", strangers, at)[0]
        if until > now:
            # Less than that would be failures.
            struct.pack_into(">I", strangers, at, max(ATTEMPTS_MAX, until + seconds))
            shifted = True
    if shifted:
        changes.append((store.STRANGERS, bytes(strangers)))
    reset = bytearray(state.get(store.RESET) or b"")
    if reset:
        made, wrong, until = struct.unpack_from(TIMES, reset, TIMES_AT)
        if until > now:
            until = max(0, until + seconds)
        struct.pack_into(TIMES, reset, TIMES_AT, max(0, made + seconds), wrong, until)
        changes.append((store.RESET, bytes(reset)))
    if changes:
        changes.append((store.TIME, struct.pack(">I", now + seconds)))
    return changes
