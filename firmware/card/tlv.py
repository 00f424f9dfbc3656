"""BER-TLV (ISO/IEC 8825-1) in the caller's buffer: writing, walking, finding.

Always holds: nothing outside the given range is read or written, nothing is allocated. Lengths
are definite and minimal; tags have 1 to 3 bytes and are ints that read like the tag (0xDF20).
Imports nothing.
"""

from micropython import const

# Positions in `out`, array('i', 3).
TAG = const(0)
VALUE = const(1)
LENGTH = const(2)
OUT_LEN = const(3)


def put(buf, pos, limit, tag, src, off, n):
    """Write `tag` with the value `src[off:off + n]` at `buf[pos]`.

    Return the position behind it, or -1, with nothing written, when it would pass `limit`.
    """
    size = 1 if tag < 0x100 else 2
    size += 1 if n < 0x80 else 2 if n < 0x100 else 3
    if n < 0 or n > 0xFFFF or pos + size + n > limit:
        return -1
    if tag > 0xFF:
        buf[pos] = tag >> 8
        pos += 1
    buf[pos] = tag & 0xFF
    pos += 1
    if n > 0x7F:
        if n > 0xFF:
            buf[pos] = 0x82
            buf[pos + 1] = n >> 8
            pos += 2
        else:
            buf[pos] = 0x81
            pos += 1
    buf[pos] = n & 0xFF
    pos += 1
    for i in range(n):
        buf[pos + i] = src[off + i]
    return pos + n


def step(buf, pos, end, out):
    """Read the element at `buf[pos]`; return the position of the next, or -1 when malformed.

    `out` receives the tag, and offset and length of the value. The walk is over at `end`.
    """
    if pos >= end:
        return -1
    tag = buf[pos]
    pos += 1
    if tag == 0:
        return -1
    if tag & 0x1F == 0x1F:
        more = 0x80
        count = 0
        while more:
            if pos >= end or count == 2:
                return -1
            byte = buf[pos]
            if count == 0 and byte & 0x7F == 0:
                return -1
            tag = tag << 8 | byte
            more = byte & 0x80
            pos += 1
            count += 1
    if pos >= end:
        return -1
    length = buf[pos]
    pos += 1
    if length > 0x7F:
        width = length - 0x80
        if width < 1 or width > 2 or pos + width > end:
            return -1
        length = buf[pos]
        if width == 2:
            length = length << 8 | buf[pos + 1]
            if length < 0x100:
                return -1
        elif length < 0x80:
            return -1
        pos += width
    if pos + length > end:
        return -1
    out[TAG] = tag
    out[VALUE] = pos
    out[LENGTH] = length
    return pos + length


def find(buf, start, end, tag, out):
    """Look for `tag` on the top level of `buf[start:end]`, walking all of it.

    Return 1 when it is there once (`out` describes it), 0 when it is not, -1 when anything is
    malformed or the tag is repeated: tags that may be repeated are walked with `step`.
    """
    value = -1
    length = 0
    pos = start
    while pos < end:
        pos = step(buf, pos, end, out)
        if pos < 0:
            return -1
        if out[TAG] == tag:
            if value >= 0:
                return -1
            value = out[VALUE]
            length = out[LENGTH]
    if value < 0:
        return 0
    out[TAG] = tag
    out[VALUE] = value
    out[LENGTH] = length
    return 1
