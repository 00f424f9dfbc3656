"""What somebody could read who has a terminal's flash and the keys to it.

What always holds: every record of every sector is opened, also what is no longer true, and of a
torn one what there is of it. May import firmware.storage to open records, and world.
"""

import functools

from firmware.storage.frame import Frame
from firmware.storage.journal import BLOCK, HEAD, MAC, RECORD_MAX, SIZE, START, Journal
from host_tests.crash import world
from host_tests.storage.nor import Nor

_MAGIC = {b"RBJ\2": BLOCK, b"RBJ\3": SIZE}
_KEYS = ("seal_key", "mac_key", "token_key")
_FIRST = ("first_00", "first_01")


def secrets(snapshot):
    """All that may stand nowhere in this image, as digits."""
    typed = {entry[1] for entry in snapshot.log if entry[0] == "typed"}
    return {world.FIRST_PASSWORD, world.FIRST_OF_00, *typed}


def readable(snapshot):
    """All that can be read: of the flash, opened, of the key storage, and the acquirer's books.

    The first passwords stand in the key storage until the first start has drawn its operators.
    """
    nvs = snapshot.nvs
    stored = [value for name, value in nvs.items() if name not in _FIRST]
    opened = []
    if "seal_key" in nvs and "mac_key" in nvs:
        flash, keys = snapshot.flash, [nvs[name] for name in _KEYS]
        for block in range(len(flash) // BLOCK):
            size = _MAGIC.get(flash[block * BLOCK : block * BLOCK + 4], 0)
            if size:
                cells = flash[block * BLOCK : block * BLOCK + size]
                opened.append(_opened(cells, block, *keys))
    return b"|".join((snapshot.flash, snapshot.books, *stored, *opened))


@functools.lru_cache(maxsize=64)
def _opened(cells, block, *keys):
    """The records of one sector, decrypted, to the first whose length is none."""
    frame = Frame(Journal(Nor(2), *keys))
    order = int.from_bytes(cells[4:8], "big")
    found = []
    at = START
    while at + HEAD < len(cells):
        size = int.from_bytes(cells[at : at + 2], "big")
        if not HEAD + MAC < size <= RECORD_MAX or size % 16:
            break
        frame.buf[:HEAD] = cells[at : at + HEAD]
        cipher = frame.cipher(block, at, order)
        sealed = bytearray(cells[at + HEAD : at + size - MAC])
        cipher.decrypt(sealed, sealed)
        found.append(bytes(sealed))
        at += size
    return b"|".join(found)
