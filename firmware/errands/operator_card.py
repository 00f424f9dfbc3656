"""An operator's own magnetic card: its digits, or whose it is.

An operator card holds 4 to 12 digits on track 2. A payment card holds 13 to 19 and so never is
one: it is told apart, and nothing of it is kept.
"""

from micropython import const

from firmware import rooms
from firmware.card import track
from firmware.card.swipe import Swipe
from firmware.crypto.wipe import wipe

LOW = const(4)  # digits of an operator card
HIGH = const(12)
_PAYMENT_MIN = const(13)
_START = const(0x3B)  # ;


async def run(desk, whose=False):
    """Wait for a card; return its digits, or the number of the operator whose it is when asked
    `whose`; the text key of what is wrong with the card. What the reader sent is overwritten.
    """
    buf = bytearray(256)
    swipe = Swipe(buf)
    try:
        await swipe.arrival(desk.board.magstripe)
        found = _digits(swipe)
        if not whose or isinstance(found, str):
            return found
        number = rooms.ask("firmware.access.cards", "owner", desk, found)
        wipe(found)
        return "log_in.whose_card" if number is None else bytearray(number)
    finally:
        wipe(buf)


def _digits(swipe):
    if swipe.verdict() in (track.OK, track.BAD_CHECK_DIGIT):
        if swipe.out[track.PAN_LEN] >= _PAYMENT_MIN:
            return "operators.bank_card"
    buf, n = swipe.buf, 0
    at = bytes(buf).find(bytes((_START,)), 0, swipe.fill) + 1
    while at and n <= HIGH and at + n < swipe.fill and 0x30 <= buf[at + n] <= 0x39:
        n += 1
    if not LOW <= n <= HIGH:
        return "entry.card_unread"
    return bytearray(memoryview(buf)[at : at + n])
