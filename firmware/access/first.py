"""Whom a terminal begins with: supervisor 00 and operator 01, with the passwords drawn for them.

May import rooms, access, crypto.wipe and storage.
"""

from micropython import const

from firmware import rooms
from firmware.access.operators import FIRST, Operators
from firmware.access.roles import SUPERVISOR
from firmware.crypto.wipe import wipe
from firmware.storage import state as store
from firmware.storage.journal import KEYS_MISSING, StorageFault

# And where provisioning put the password. The supervisor comes last: once that one is there, all
# were.
_WHO = ((1, b"01", "first_01"), (0, SUPERVISOR, "first_00"))
_DIGITS_MAX = const(16)


async def run(desk):
    """Create who is missing, each to change the password first; then erase what was provisioned.

    Power loss on the way leaves the rest to the next start. Raises StorageFault when a password is
    missing.
    """
    people, keystore, state = Operators(desk), desk.board.keystore, desk.state
    drawn = bytearray(_DIGITS_MAX)
    cost = rooms.ask("firmware.access.cost", "run", keystore)
    for index, number, entry in _WHO:
        if state.get(store.OPERATOR + index) is None:
            try:
                size = keystore.get(entry, drawn)
                if size <= 0:
                    raise StorageFault(KEYS_MISSING)
                password = memoryview(drawn)[:size]
                state.put((await people.verifying(index, number, password, FIRST, cost),))
            finally:
                wipe(drawn)
    for at in range(len(_WHO) - 1, -1, -1):
        keystore.erase(_WHO[at][2])
