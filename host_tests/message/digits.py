"""Digits of a message's numeric fields, for tests on both interpreters."""


def digits(buf, at, count, fixed):
    """Return `count` packed digits from `buf[at]` on as ASCII bytes, D as `=`; a fixed field with
    an odd number of them begins in the second half of its first byte.
    """
    found = bytearray(count)
    for place in range(count):
        half = place + (count & 1 if fixed else 0)
        byte = buf[at + (half >> 1)]
        digit = byte & 15 if half & 1 else byte >> 4
        found[place] = digit + 0x30 if digit < 10 else 0x3D
    return bytes(found)
