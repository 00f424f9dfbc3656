"""BER-TLV (ISO/IEC 8825-1) in the caller's buffer: writing, walking, finding.

Always holds: nothing outside the given range is read or written, nothing is allocated. Lengths
are definite, and minimal except in what a chip card sends; tags have 1 to 3 bytes and are ints
that read like the tag (0xDF20). Native code: stays in memory. Imports nothing.
"""

import micropython
from micropython import const

# Positions in `out`, array('i', OUT_LEN).
TAG = const(0)
VALUE = const(1)
LENGTH = const(2)
OUT_LEN = const(3)


@micropython.viper
def put(buf: ptr8, pos: int, limit: int, tag: int, src: ptr8, off: int, n: int) -> int:
    """Write `tag` (1 or 2 bytes) with the value `src[off:off + n]` at `buf[pos]`.

    Return the position behind it, or -1, with nothing written, when it would pass `limit`.
    """
    size = 2
    if tag > 0xFF:
        size += 1
    if n > 0x7F:
        size += 1
    if n > 0xFF:
        size += 1
    if n < 0 or n > 0xFFFF or pos + size + n > limit:
        return -1
    if tag > 0xFF:
        buf[pos] = tag >> 8
        pos += 1
    buf[pos] = tag & 0xFF
    pos += 1
    if n > 0xFF:
        buf[pos] = 0x82
        buf[pos + 1] = n >> 8
        pos += 2
    elif n > 0x7F:
        buf[pos] = 0x81
        pos += 1
    buf[pos] = n & 0xFF
    pos += 1
    end = pos + n
    while pos < end:
        buf[pos] = src[off]
        pos += 1
        off += 1
    return pos


@micropython.viper
def element(buf: ptr8, pos: int, end: int, out: ptr32, minimal: int) -> int:
    """Read as `step` does; a length need not be as short as it can be unless `minimal` is 1."""
    if pos >= end:
        return -1
    tag = buf[pos]
    pos += 1
    if tag == 0:
        return -1
    if tag & 0x1F == 0x1F:
        count = 0
        byte = 0x80
        while byte & 0x80:
            if pos >= end or count == 2:
                return -1
            byte = buf[pos]
            if count == 0 and byte & 0x7F == 0:
                return -1
            tag = tag << 8 | byte
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
        least = 0x80
        if width == 2:
            length = length << 8 | buf[pos + 1]
            least = 0x100
        if minimal and length < least:
            return -1
        pos += width
    if pos + length > end:
        return -1
    out[TAG] = tag
    out[VALUE] = pos
    out[LENGTH] = length
    return pos + length


@micropython.viper
def step(buf, pos: int, end: int, out) -> int:
    """Read the element at `buf[pos]`; return the position of the next, or -1 when malformed.

    `out` receives the tag, and offset and length of the value. The walk is over at `end`.
    """
    return int(element(buf, pos, end, out, 1))


@micropython.viper
def find(buf, start: int, end: int, tag: int, out) -> int:
    """Look for `tag` on the top level of `buf[start:end]`, walking all of it.

    Return 1 when it is there once (`out` describes it), 0 when it is not, -1 when anything is
    malformed or the tag is repeated: tags that may be repeated are walked with `step`.
    """
    found = ptr32(out)
    value = -1
    length = 0
    while start < end:
        start = int(element(buf, start, end, out, 1))
        if start < 0:
            return -1
        if found[TAG] == tag:
            if value >= 0:
                return -1
            value = found[VALUE]
            length = found[LENGTH]
    if value < 0:
        return 0
    found[TAG] = tag
    found[VALUE] = value
    found[LENGTH] = length
    return 1
