"""The provider's right response to a challenge.

What always holds: neither it nor the service key is in memory any more once it was compared. May
import drawn's length and crypto.
"""

import struct

from micropython import const

from firmware.access import drawn
from firmware.crypto.cmac import mac
from firmware.crypto.compare import equal
from firmware.crypto.wipe import wipe

_KEY_LEN = const(16)


def run(keystore, terminal, whose, challenge, given):
    """Tell whether `given`, 8 ASCII digits, is the response of the terminal's service key.

    terminal: 8 ASCII. whose: an operator's number, or console.WHOSE, 2 ASCII. challenge: 8 ASCII
    digits.
    """
    message, tag = terminal + whose + challenge, bytearray(_KEY_LEN)
    key, right = bytearray(_KEY_LEN), bytearray(drawn.LEN)
    try:
        keystore.get("service_key", key)
        mac(key, message, 0, len(message), tag, 0)
        # The last 8 decimal digits of the tag's first 4 bytes.
        rest = struct.unpack_from(">I", tag)[0] % 100000000
        for at in range(drawn.LEN - 1, -1, -1):
            right[at] = 0x30 + rest % 10
            rest //= 10
        return equal(right, given, drawn.LEN)
    finally:
        wipe(key)
        wipe(tag)
        wipe(right)
