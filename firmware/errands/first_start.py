"""What a start owes: at the first one supervisor 00 and operator 01 with the passwords drawn for
them; to the audit log that the console was open.
"""

from firmware import rooms
from firmware.crypto.wipe import wipe
from firmware.storage import state as store

_LAST = "first_01"  # of what was provisioned, the last to be erased


async def run(desk):
    """Create them, once; at a later start nothing is done.

    Power loss on the way leaves the rest to the next start: what was provisioned is erased only
    once both are durable; 01 may be deleted later. Raises StorageFault when the supervisor is
    missing and there is no password for one of them.
    """
    drawn = bytearray(16)
    found = desk.board.keystore.get(_LAST, drawn)
    wipe(drawn)
    if found >= 0 or not desk.state.has(store.OPERATOR):
        await rooms.ask("firmware.access.first", "run", desk)
    if desk.board.keystore.get("console", drawn) >= 0:
        rooms.ask("firmware.access.console", "told", desk)
