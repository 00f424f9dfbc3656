"""Proving a password.

What always holds: an attempt is counted before the password is looked at, see `attempts`, which
also locks; a number that nobody has is counted and locked like an operator's, so that who tries
numbers is not told which there are; a first password opens nothing but its own change. Follows PCI
DSS 4.0.1 8.3.4 (lock-out), without claiming certification. May import rooms, what operators calls
things, crypto and storage.
"""

from firmware import rooms
from firmware.access.operators import (
    DISABLED,
    FIRST,
    FLAGS,
    GRANTED,
    ITERATIONS_AT,
    LOCKED,
    MUST_CHANGE,
    OFF,
    SALT,
    STORED_LEN,
    VERIFIER,
    WRONG,
)
from firmware.crypto.compare import equal
from firmware.storage import audit
from firmware.storage import state as store


async def check(desk, number, password):
    """Check an operator's password; the attempt is counted durably first.

    number: 2 ASCII digits. password: bytearray, left to the caller to wipe. Returns GRANTED,
    MUST_CHANGE, WRONG, LOCKED or DISABLED, and how many attempts are left after a WRONG one, or
    minutes until there are some when LOCKED. Power loss during the check leaves the attempt
    counted.
    """
    state, now = desk.state, desk.clock.now
    minutes = rooms.ask("firmware.access.attempts", "locked", desk, number)
    if minutes:
        return LOCKED, minutes
    rooms.ask("firmware.access.attempts", "count", desk, number)
    index = rooms.ask("firmware.access.numbers", "find", state, number)
    # Of a number that nobody has the supervisor's is tried: it takes as long.
    stored = state.get(store.OPERATOR + max(index, 0))
    tried = await rooms.ask(
        "firmware.access.verifier",
        "run",
        password,
        stored[SALT:VERIFIER],
        int.from_bytes(stored[ITERATIONS_AT:SALT], "big"),
        desk.board.keystore.get_bytes("mac_key"),
    )
    if not equal(tried, stored[VERIFIER:STORED_LEN], STORED_LEN - VERIFIER) or index < 0:
        left = rooms.ask("firmware.access.attempts", "left", desk, number)
        state.put((), audit.entry(audit.WRONG if left else audit.LOCKED, now(), number))
        if left:
            return WRONG, left
        return LOCKED, rooms.ask("firmware.access.attempts", "locked", desk, number)
    entry = audit.entry(audit.RIGHT, now(), number)
    rooms.ask("firmware.access.attempts", "over", desk, number, (), entry)
    if stored[FLAGS] & OFF:
        return DISABLED, 0
    return MUST_CHANGE if stored[FLAGS] & FIRST else GRANTED, 0
