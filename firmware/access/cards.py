"""Whose an operator card is. What is kept of one is a keyed tag: on flash there is nothing that
can be tried without this device's pepper.

May import numbers, former and crypto.
"""

from firmware.access import former, numbers
from firmware.crypto.cmac import mac


def owner(desk, digits):
    """Return the number of the operator whose card has these digits, None when it is nobody's."""
    wanted, found = tag(desk, digits), None
    for _, stored in numbers.each(desk.state):
        if former.card(stored) == wanted:
            found = stored[:2]
    return found


def tag(desk, digits):
    """Return what is kept of the card with these digits."""
    message, out = b"card" + bytes(digits), bytearray(16)
    mac(desk.board.keystore.get_bytes("mac_key"), message, 0, len(message), out, 0)
    return bytes(out[: former.CARD_LEN])
