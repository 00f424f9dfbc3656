"""What is stored of a password, and what one that is typed is compared by.

PBKDF2-HMAC-SHA256 (RFC 8018), then a CMAC under this device's pepper. May import crypto.
"""

import asyncio

from micropython import const

from firmware.crypto.cmac import mac
from firmware.crypto.pbkdf2 import Pbkdf2

_STEP = const(25)  # iterations between two looks at the keypad


async def run(password, salt, iterations, pepper):
    """Return the verifier of `password`, 16 bytes; others have their turn meanwhile."""
    work = Pbkdf2(password, salt, iterations)
    try:
        while not work.step(_STEP):
            await asyncio.sleep(0)
        tag = bytearray(16)
        mac(pepper, work.result, 0, 32, tag, 0)
        return bytes(tag)
    finally:
        work.wipe()
