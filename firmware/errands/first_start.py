"""The first start: create supervisor 00 and operator 01 with the passwords drawn for them."""

from firmware import rooms
from firmware.crypto.wipe import wipe
from firmware.storage import state as keys
from firmware.storage.journal import KEYS_MISSING, StorageFault

_LAST = "first_01"  # the last entry to be erased


async def run(desk):
    """Create them, once; at a later start nothing is done.

    Power loss on the way leaves the rest to the next start: what was provisioned is erased only
    once both are durable. Raises StorageFault when there are neither operators nor passwords.
    """
    drawn = bytearray(16)
    found = desk.board.keystore.get(_LAST, drawn)
    wipe(drawn)
    if found < 0:
        if desk.state.get(keys.OPERATOR) is None:
            raise StorageFault(KEYS_MISSING)
        return
    module, came = rooms.load("firmware.access.operators")
    try:
        await module.Operators(desk).install()
    finally:
        module = None
        rooms.drop(came)
