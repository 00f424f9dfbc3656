"""Whose an operator card is. What is kept of one is a keyed tag: on flash there is nothing that
can be tried without this device's pepper.

May import numbers, operators and crypto.
"""

from micropython import const

from firmware.access import numbers, operators
from firmware.crypto.cmac import mac

_TAG_LEN = const(7)


def owner(desk, digits):
    """Return the number of the operator whose card has these digits, None when it is nobody's."""
    wanted, found = tag(desk, digits), None
    for _, stored in numbers.each(desk.state):
        if stored[operators.STORED_LEN :] == wanted:
            found = stored[:2]
    return found


def tag(desk, digits):
    """Return what is kept of the card with these digits."""
    message, out = b"card" + bytes(digits), bytearray(16)
    mac(desk.board.keystore.get_bytes("mac_key"), message, 0, len(message), out, 0)
    return bytes(out[:_TAG_LEN])
