"""The provider's right response to a challenge. May import crypto."""

import struct

from firmware.crypto.cmac import mac


def response(keystore, terminal, whose, challenge):
    """Return the right response, 8 ASCII digits, of the terminal's service key.

    terminal: 8 ASCII. whose: an operator's number, or console.WHOSE, 2 ASCII. challenge: 8 ASCII
    digits.
    """
    message, tag = terminal + whose + challenge, bytearray(16)
    mac(keystore.get_bytes("service_key"), message, 0, len(message), tag, 0)
    # The last 8 decimal digits of the tag's first 4 bytes.
    return b"%08d" % (struct.unpack_from(">I", tag)[0] % 100000000)
