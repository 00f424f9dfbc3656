"""Failed attempts as older firmware has counted them. May import attempts and storage.state."""

import struct

from firmware.access import attempts
from firmware.storage import state as store


def take_over(state, now):
    """Count them as `attempts` does, durably."""
    for index in range(store.OPERATORS):
        key = store.FORMER_ATTEMPTS + index
        if state.has(key):
            failures, until = struct.unpack(">BI", state.get(key))
            changes = ((key, None),)
            if state.has(store.OPERATOR + index):
                number = state.get(store.OPERATOR + index)[:2]
                changes += attempts.counting(state, number, failures, until, now)
            state.put(changes)
