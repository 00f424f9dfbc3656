"""What the acquirer is told of failed attempts, see `attempts`. May import storage.state."""

from micropython import const

from firmware.storage import state as store

_MOST = const(32)
_NOTE = "failures"  # in the keystore, as attempts keeps it


def told(state, keystore):
    """Return what the acquirer is told: number (100: of challenges) and failures, a byte each, of
    the numbers that have failed most; empty when none has.
    """
    most = {}
    for key in range(store.ATTEMPTS, store.ATTEMPTS + store.ATTEMPTS_KEYS):
        table = state.get(key) or b""
        for at in range(0, len(table), store.ATTEMPTS_LEN):
            number = (key - store.ATTEMPTS) * 4 + (table[at] >> 6)
            most[number] = table[at] & store.FAILURES_MAX
    noted = keystore.get_bytes(_NOTE) or b""
    for at in range(0, len(noted), 2):
        most[noted[at]] = max(most.get(noted[at], 0), noted[at + 1])
    found = sorted((-failures, number) for number, failures in most.items())
    return b"".join(bytes((number, -failures)) for failures, number in found[:_MOST])
