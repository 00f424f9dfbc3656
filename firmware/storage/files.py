"""What runs: the files of the build, compared with its manifest, and the manifest's hash.

What always holds: nothing is written but what `told` tells; no key waits for more than a piece of
a file; it finds accidents and careless thieves, not a build that lies about itself. In memory only
while a file is looked at. May import audit, journal and state.
"""

import asyncio
from binascii import hexlify, unhexlify
from hashlib import sha256

from micropython import const

from firmware.storage import audit
from firmware.storage import state as store
from firmware.storage.journal import FILES_DIFFER, StorageFault

_MANIFEST = "manifest.txt"
_PIECE = const(512)


def told(state, now):
    """Have the audit log tell the hash of what runs, once for each build.

    now: Unix epoch. Without a manifest, which boot.py has complained of, nothing is told.
    """
    try:
        with open(_MANIFEST, "rb") as lines:
            digest = unhexlify(lines.readline().split()[1])
    except OSError:
        return
    if state.get(store.BUILD) != digest[:8]:
        entry = audit.entry(audit.BUILD, now, detail=hexlify(digest))
        state.put(((store.BUILD, digest[:8]),), entry)


async def step(at, keypad):
    """Compare the file of the manifest's line at `at`, 0 for the first, with what stands there;
    return where the next line is, 0 behind the last, `at` again when a key has come meanwhile.
    Raises StorageFault when the file differs. Without a manifest nothing starts: see boot.py.
    """
    try:
        with open(_MANIFEST, "rb") as lines:
            lines.seek(at)
            if not at:
                lines.readline()
            line = lines.readline().decode().split()
            behind = lines.tell()
    except OSError:
        line = ()
    if not line:
        return 0
    pressed = keypad.last_ms
    found, piece = sha256(), bytearray(_PIECE)
    try:
        with open(line[1], "rb") as file:
            n = file.readinto(piece)
            while n:
                found.update(memoryview(piece)[:n])
                await asyncio.sleep(0)
                if keypad.last_ms != pressed:
                    return at
                n = file.readinto(piece)
    except OSError:  # it is not there, or can't be read
        found = sha256()
    if hexlify(found.digest()).decode() != line[0]:
        print("damaged or missing:", line[1])
        raise StorageFault(FILES_DIFFER)
    return behind
