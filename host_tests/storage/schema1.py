"""Writes the sectors that firmware of schema 1 left behind (see firmware/storage/migration.py).

Uses `cryptography` only: nothing of it is shared with what reads the sectors.
"""

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from .journals import MAC, SEAL
from .nor import Nor


def cmac(data):
    """Return the CMAC of `data` under the device's key, 16 bytes."""
    made = CMAC(algorithms.AES(MAC))
    made.update(data)
    return made.finalize()


def sector(number, order, complete, records):
    """Return a sector's bytes: its header, then `records`, each (sequence, [(key, value)])."""
    head = b"RBJ\x01" + order.to_bytes(4, "big")
    mark = bytes(4) if complete else b"\xff" * 4
    held = head + mark + cmac(number.to_bytes(2, "big") + bytes(2) + head)[:8]
    for sequence, items in records:
        place = number.to_bytes(2, "big") + len(held).to_bytes(2, "big")
        plain = b"".join(
            bytes((key,))
            + (b"\xff\xff" if value is None else len(value).to_bytes(2, "big"))
            + (value or b"")
            for key, value in items
        )
        padder = padding.PKCS7(128).padder()
        padded = padder.update(plain) + padder.finalize()
        total = 8 + len(padded) + 8
        header = total.to_bytes(2, "big") + b"\x01\xff" + sequence.to_bytes(4, "big")
        iv = cmac(b"iv" + header[4:] + place)
        encryptor = Cipher(algorithms.AES(SEAL), modes.CBC(iv)).encryptor()
        body = header + encryptor.update(padded)
        held += body + cmac(place + body)[:8]
    return held.ljust(Nor.sector_size, b"\xff")


def flash(*sectors, of=4):
    """Return a flash of `of` sectors that begins with `sectors`."""
    made = Nor(of)
    made.data[: sum(map(len, sectors))] = b"".join(sectors)
    return made
