"""Bytes that somebody else has written as UTF-8, made into words that a page can show.

Imports nothing.
"""

from micropython import const

_ANY = const(1000)  # bytes: more than a message holds


def legible(data, most=_ANY):
    """Return the characters of `data` in order, as a str of at most `most` bytes of UTF-8.

    A control character becomes a space; what is no UTF-8 (RFC 3629) is left out, and no character
    is cut.
    """
    kept = bytearray()
    at = 0
    while at < len(data):
        n = _width(data, at)
        if n < 0:
            at -= n
            if len(kept) < most:
                kept.append(0x20)
            continue
        if len(kept) + n > most:
            break
        kept.extend(data[at : at + n])
        at += n or 1
    return bytes(kept).decode()


def clean(data, most):
    """Tell whether `data` is 1 to `most` bytes of UTF-8 without control characters."""
    return 0 < len(data) <= most and legible(data).encode() == bytes(data)


def _width(data, at):
    # The bytes of the character at `at`; 0 where none begins; negative of a control character.
    first = data[at]
    if first < 0x80:
        return 1 if 0x20 <= first < 0x7F else -1
    if first < 0xC2 or first > 0xF4:
        return 0
    n = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    if at + n > len(data):
        return 0
    for i in range(at + 1, at + n):
        if data[i] & 0xC0 != 0x80:
            return 0
    second = data[at + 1]
    if first == 0xC2 and second < 0xA0:
        return -2
    # No longer than need be, no surrogates, nothing above U+10FFFF.
    if (
        first == 0xE0
        and second < 0xA0
        or first == 0xED
        and second > 0x9F
        or first == 0xF0
        and second < 0x90
        or first == 0xF4
        and second > 0x8F
    ):
        return 0
    return n
