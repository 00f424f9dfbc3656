"""What runs: the files of the build, compared with its manifest, and the manifest's hash.

What always holds: nothing is written but what `told` tells; it finds accidents and careless
thieves, not a build that lies about itself. In memory only while it is asked. May import storage.
"""

from binascii import hexlify, unhexlify
from hashlib import sha256

from micropython import const

from firmware.storage import audit
from firmware.storage import state as keys
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
    if state.get(keys.BUILD) != digest[:8]:
        entry = audit.entry(audit.BUILD, now, detail=hexlify(digest))
        state.put(((keys.BUILD, digest[:8]),), entry)


def step(at):
    """Compare the file of the manifest's line at `at`, 0 for the first, with what stands there;
    return where the next line is, 0 behind the last. Raises StorageFault when it differs.
    """
    with open(_MANIFEST, "rb") as lines:
        lines.seek(at)
        if not at:
            lines.readline()
        line = lines.readline().decode().split()
        if not line:
            return 0
        at = lines.tell()
    if _digest(line[1]) != line[0]:
        print("damaged or missing:", line[1])
        raise StorageFault(FILES_DIFFER)
    return at


def _digest(path):
    found, piece = sha256(), bytearray(_PIECE)
    try:
        with open(path, "rb") as file:
            n = file.readinto(piece)
            while n:
                found.update(memoryview(piece)[:n])
                n = file.readinto(piece)
    except OSError:  # it is not there, or can't be read
        return ""
    return hexlify(found.digest()).decode()
