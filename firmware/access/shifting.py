"""Lock-outs and a challenge last as long as they were to, also when the clock is set meanwhile.

May import reset's place of a time, and storage.state.
"""

import struct

from firmware.access.reset import MADE_AT
from firmware.storage import state as store


def put_off(state, now, seconds):
    """Return the changes that move the end of every lock-out that has not run out at `now`, and
    when the challenge was made, by `seconds`, and the new time with them, so that power loss moves
    none of them twice.
    """
    changes = []
    for key in range(store.ATTEMPTS, store.ATTEMPTS + store.ATTEMPTS_KEYS):
        table = bytearray(state.get(key) or b"")
        moved = False
        for at in range(1, len(table), store.ATTEMPTS_LEN):
            until = struct.unpack_from(">I", table, at)[0]
            if until > now:
                struct.pack_into(">I", table, at, max(0, until + seconds))
                moved = True
        if moved:
            changes.append((key, bytes(table)))
    reset = bytearray(state.get(store.RESET) or b"")
    if reset:
        made = struct.unpack_from(">I", reset, MADE_AT)[0]
        struct.pack_into(">I", reset, MADE_AT, max(0, made + seconds))
        changes.append((store.RESET, bytes(reset)))
    if changes:
        changes.append((store.TIME, struct.pack(">I", now + seconds)))
    return changes
