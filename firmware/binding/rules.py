"""What is a valid name, account, CNAPS number, card or licence.

Every check takes a buffer and returns 0 or one of the codes below; words for them live in text/
under `rule.<code>`. Nothing here knows screen or wire. May import card only.
"""

from micropython import const

from firmware.card import luhn

OK = const(0)
NAME_EMPTY = const(1)
NAME_TOO_LONG = const(2)
NAME_NOT_REGISTERED = const(3)
ACCOUNT_LENGTH = const(4)
ACCOUNT_NOT_DIGITS = const(5)
ACCOUNT_DIFFERS = const(6)
CNAPS_LENGTH = const(7)
CNAPS_CHECK = const(8)
CARD_LENGTH = const(9)
CARD_CHECK = const(10)
CARD_EXPIRED = const(11)
EXPIRY_INVALID = const(12)
LICENCE_LENGTH = const(13)
LICENCE_CHECK = const(14)
CARD_SAME = const(17)

NAME_MAX = const(120)  # bytes of UTF-8
ACCOUNT_MIN = const(8)
ACCOUNT_MAX = const(32)

_ALPHABET = b"0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100: without I O S V Z


def digits(buf):
    """Tell whether `buf` is nothing but ASCII digits."""
    for byte in buf:
        if byte < 0x30 or byte > 0x39:
            return False
    return True


def name(buf, registered):
    """Check an account holder's name, UTF-8, against the merchant's registered names."""
    if not buf:
        return NAME_EMPTY
    if len(buf) > NAME_MAX:
        return NAME_TOO_LONG
    return OK if buf in registered else NAME_NOT_REGISTERED


def account(buf):
    """Check an account number. Account numbers have no check digit: it is asked for twice
    instead.
    """
    if len(buf) < ACCOUNT_MIN or len(buf) > ACCOUNT_MAX:
        return ACCOUNT_LENGTH
    return OK if digits(buf) else ACCOUNT_NOT_DIGITS


def cnaps(buf):
    """Check a CNAPS number: 12 digits, the last an ISO 7064 MOD 11,10 check digit."""
    if len(buf) != 12 or not digits(buf):
        return CNAPS_LENGTH
    product = 10
    for i in range(11):
        total = (product + buf[i] - 0x30) % 10 or 10
        product = total * 2 % 11
    return OK if (product + buf[11] - 0x30) % 10 == 1 else CNAPS_CHECK


def card(buf, before=None):
    """Check a card number: 13-19 digits that satisfy Luhn, another number than `before`."""
    if len(buf) < 13 or len(buf) > 19:
        return CARD_LENGTH
    if not luhn.valid(buf, 0, len(buf)):
        return CARD_CHECK
    return CARD_SAME if before is not None and buf == before else OK


def expiry(buf, year, month):
    """Check an expiry date YYMM against the current year (four digits) and month.

    A card is good to the end of its month.
    """
    if len(buf) != 4 or not digits(buf):
        return EXPIRY_INVALID
    yy = (buf[0] - 0x30) * 10 + buf[1] - 0x30
    mm = (buf[2] - 0x30) * 10 + buf[3] - 0x30
    if mm < 1 or mm > 12:
        return EXPIRY_INVALID
    return OK if (2000 + yy, mm) >= (year, month) else CARD_EXPIRED


def licence(buf):
    """Check a unified social credit code (GB 32100).

    LICENCE_CHECK is a warning: some early codes fail it, and the supervisor may go on.
    """
    if len(buf) != 18:
        return LICENCE_LENGTH
    total = 0
    weight = 1
    for i in range(17):
        value = _ALPHABET.find(bytes((buf[i],)))
        if value < 0:
            return LICENCE_CHECK
        total += value * weight
        weight = weight * 3 % 31
    return OK if _ALPHABET[(31 - total % 31) % 31] == buf[17] else LICENCE_CHECK
