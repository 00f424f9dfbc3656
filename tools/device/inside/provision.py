"""Provisioning as the board does it: what it holds, and putting what it lacks to its place.

Sent over the serial line, gone with the next reset. What always holds: no secret is printed, or
written anywhere but to NVS; a file is there whole, with the hash that was asked for, or as it was.
"""

import json
import os
from binascii import a2b_base64, crc32, hexlify
from hashlib import sha256

from drivers.keystore import Keystore

PART = ".part"

store = Keystore("rebind")
buf = bytearray(1024)


def entry(name):
    """Read an entry into `buf`; return its length, -1 when there is none."""
    wipe()
    return store.get(name, buf)


def wipe():
    """Overwrite what was read last."""
    for i in range(len(buf)):
        buf[i] = 0


def digest(path):
    """Return the SHA-256 of a file in hex, None when it is not there."""
    try:
        with open(path, "rb") as file:
            return hexlify(sha256(file.read()).digest()).decode()
    except OSError:
        return None


def keys_of():
    """Return the IKID of the key state (see firmware.crypto.dukpt) in hex, None when there is none
    that is of any use: it is damaged, or every key has been used.
    """
    n = entry("dukpt")
    whole = n > 13 and crc32(buf[: n - 4]).to_bytes(4, "big") == buf[n - 4 : n]
    return hexlify(buf[1:9]).decode() if whole and any(buf[9:13]) else None


def holds(names, files):
    """Reply what is here: settings, which entries, hashes of files, whose keys, whether there is a
    journal.
    """
    found = {"config": None}
    try:
        with open("config.json") as file:
            found["config"] = json.load(file)
    except (OSError, ValueError):
        pass  # none, or one that an earlier tool left half: it is written anew
    found["entries"] = [name for name in names if entry(name) >= 0]
    found["files"] = {path: digest(path) for path in files}
    found["keys_of"] = keys_of()
    found["journal"] = entry("journal") >= 0
    wipe()
    reply(found)


def put(name, text):
    """Have in NVS under `name` what the base64 `text` says; reply whether it was there already."""
    value = a2b_base64(text)
    kept = entry(name) == len(value) and buf[: len(value)] == value
    if not kept:
        store.put(name, value)
        if entry(name) != len(value) or buf[: len(value)] != value:
            raise OSError("NVS does not keep what is written")
    wipe()
    reply(int(kept))


def write(path, text, expected):
    """Have in the file `path` what the base64 `text` says; reply whether it was there already."""
    if digest(path) == expected:
        reply(1)
        return
    if "/" in path:
        try:
            os.mkdir(path.rsplit("/", 1)[0])
        except OSError:
            pass  # it is there, or the next line fails
    with open(path + PART, "wb") as file:
        file.write(a2b_base64(text))
    if digest(path + PART) != expected:
        raise OSError("flash does not keep what is written")
    os.rename(path + PART, path)
    reply(0)


def forget(names):
    """Erase entries, durable one by one."""
    for name in names:
        store.erase(name)


def tidy(paths):
    """Remove what an interrupted run has left beside the files."""
    for path in paths:
        try:
            os.remove(path + PART)
        except OSError:
            pass  # none was left
