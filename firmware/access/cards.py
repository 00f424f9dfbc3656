"""Whose an operator card is. What is kept of one is a keyed tag: on flash there is nothing that
can be tried without this device's pepper.

In memory only while a card is looked up or registered. May import operators, crypto and storage.
"""

from micropython import const

from firmware import rooms
from firmware.access import operators
from firmware.crypto.cmac import mac
from firmware.storage import state as keys

_TAG_LEN = const(7)


def run(desk, digits):
    """Return the number of the operator whose card has these digits, None when it is nobody's."""
    wanted, found = tag(desk, digits), None
    _, came = rooms.load("firmware.storage.extract")  # once, not for each of them
    try:
        for index in range(keys.OPERATORS):
            stored = desk.state.get(keys.OPERATOR + index)
            if stored is not None and stored[operators.STORED_LEN :] == wanted:
                found = stored[:2]
    finally:
        rooms.drop(came)
    return found


def tag(desk, digits):
    """Return what is kept of the card with these digits."""
    message, out = b"card" + bytes(digits), bytearray(16)
    mac(desk.board.keystore.get_bytes("mac_key"), message, 0, len(message), out, 0)
    return bytes(out[:_TAG_LEN])
