"""Digits that nobody can foresee: of a challenge, of a first password. Imports nothing."""

from micropython import const

LEN = const(8)
_FRESH = const(250)  # a random byte below is as often one digit as another


def digits(random):
    """Return `LEN` digits, ASCII. random(n) gives `n` random bytes."""
    drawn = bytearray()
    while len(drawn) < LEN:
        for byte in random(LEN):
            if byte < _FRESH and len(drawn) < LEN:
                drawn.append(0x30 + byte % 10)
    return drawn
