"""Lock-outs last as long as they were to, also when the clock is set meanwhile.

In memory only when it is set by more than a little. May import storage.state.
"""

import struct

from micropython import const

from firmware.storage import state as keys

_LAYOUT = ">BI"  # as `operators` keeps attempts: failures, locked until
_LEAST = const(5)  # of numbers that nobody has it keeps the one or the other: less are failures


def run(state, now, seconds):
    """Return the changes that move the end of every lock-out that has not run out at `now` by
    `seconds`, and the new time with them, so that power loss moves none of them twice.
    """
    changes = []
    for index in range(keys.OPERATORS):
        stored = state.get(keys.ATTEMPTS + index)
        if stored is not None and len(stored) == struct.calcsize(_LAYOUT):
            failures, until = struct.unpack(_LAYOUT, stored)
            if until > now:
                moved = max(0, until + seconds)
                changes.append((keys.ATTEMPTS + index, struct.pack(_LAYOUT, failures, moved)))
    strangers = bytearray(state.get(keys.STRANGERS) or b"")
    shifted = False
    for at in range(1, len(strangers), 5):
        until = struct.unpack_from(">I", strangers, at)[0]
        if until > now:
            struct.pack_into(">I", strangers, at, max(_LEAST, until + seconds))
            shifted = True
    if shifted:
        changes.append((keys.STRANGERS, bytes(strangers)))
    if changes:
        changes.append((keys.TIME, struct.pack(">I", now + seconds)))
    return changes
