"""ISO 8583 on the caller's buffer: decoding into a table of places, encoding into the frame.

Always holds: nothing outside the given range is read or written, nothing is allocated, no field
is copied. Which fields there are and how they look is the table in `message.fields`; both sides
walk it along with the bitmap, since both ascend. Native code: stays in memory.
Imports `message.fields` only.
"""

from array import array

import micropython
from micropython import const

from firmware.message.fields import ROWS

# `decode` fills array('H', TABLE_LEN): [2 * de] offset of the content, 0 when the field is absent;
# [2 * de + 1] its length in digits (n, z) or bytes.
TABLE_LEN = const(258)

BODY = const(7)  # offset of the MTI in a frame: LEN and TPDU are in front

MESSAGE = const(1)  # the fault lies in the MTI, the bitmap or the message as a whole

TOO_LONG = const(-1)  # no room, or more than a frame may hold
ORDER = const(-2)  # fields must ascend; a field is open, or none is
UNFIT = const(-3)  # not in the profile, or content that its format does not allow

_FRAME_MAX = const(1024)

# Positions in a row, and the kinds of message.fields: native code takes constants of its own
# module only.
_ROW_LEN = const(5)
_FORM = const(1)
_LOW = const(2)
_HIGH = const(3)
_N = const(0)
_Z = const(1)
_TEXT = const(2)
_B = const(3)

# A nibble above 9 carries when 6 is added: bits 4 and 8 of byte ^ (byte + _SIX) ^ _SIX.
_SIX = const(0x66)
_CARRIES = const(0x110)

# Positions in the state of an Encoder, array('i').
_POS = const(0)  # where the next byte goes
_END = const(1)  # of the buffer
_FAILED = const(2)
_HIGHEST = const(3)  # DE that the bitmap has room for
_LAST = const(4)  # DE that was added
_ROW = const(5)  # of that DE
_OPEN = const(6)  # 1 while its content is being written by the caller
_STATE_LEN = const(7)

# What `put` is asked for by its neighbours, above the DE.
_NUMBER = const(0x100)  # a fixed `n` field whose digits end at `off`
_LATER = const(0x200)  # leave a `b` field open
_NOW = const(0x400)  # the open field, whose content is in place

_DIGITS = const(12)

_digits = bytearray(_DIGITS)


@micropython.viper
def decode(buf: ptr8, start: int, end: int, table: ptr16) -> int:
    """Find every field of the message in `buf[start:end]` (MTI first) in one pass.

    Return 0, or the number of the DE at fault, or MESSAGE. After a fault `table` holds the fields
    in front of it.
    """
    rows = ptr8(ROWS)
    i = 0
    while i < TABLE_LEN:
        table[i] = 0
        i += 1
    bitmap = start + 2
    pos = bitmap + 8
    if pos > end:
        return MESSAGE
    high = buf[start]
    low = buf[start + 1]
    if (high ^ high + _SIX ^ _SIX | low ^ low + _SIX ^ _SIX) & _CARRIES:
        return MESSAGE
    last = 64
    if buf[bitmap] & 0x80:
        last = 128
        pos += 8
        if pos > end:
            return MESSAGE
    row = 0
    de = 1
    while de < last:
        bit = de
        de += 1
        bits = buf[bitmap + (bit >> 3)] << (bit & 7) & 0xFF
        if bits == 0:  # nothing more in this byte
            de = (bit | 7) + 1
            continue
        if bits < 0x80:
            continue
        while rows[row] < de:
            row += _ROW_LEN
        if rows[row] != de:
            return de
        kind = rows[row + _FORM]
        width = kind >> 4
        kind &= 0x0F
        length = rows[row + _HIGH] << 8 | rows[row + _HIGH + 1]
        if width:
            longest = length
            length = 0
            stop = pos + width
            if stop > end:
                return de
            while pos < stop:
                byte = buf[pos]
                if (byte ^ byte + _SIX ^ _SIX) & _CARRIES:
                    return de
                length = length * 100 + byte - (byte >> 4) * 6
                pos += 1
            if length < rows[row + _LOW] or length > longest:
                return de
        i = pos
        if kind <= _Z:
            stop = pos + (length + 1 >> 1)
            if stop > end:
                return de
            if length & 1 and (buf[stop - 1] & 0x0F if width else buf[pos] >> 4):
                return de
            while i < stop:
                byte = buf[i]
                if (byte ^ byte + _SIX ^ _SIX) & _CARRIES:
                    if kind == _N:
                        return de
                    high = byte >> 4
                    low = byte & 0x0F
                    if (high > 9 and high != 0x0D) or (low > 9 and low != 0x0D):
                        return de
                i += 1
        else:
            stop = pos + length
            if stop > end:
                return de
            if kind == _TEXT:
                while i < stop:
                    byte = buf[i]
                    if byte < 0x20 or byte > 0x7E:
                        return de
                    i += 1
        table[de + de] = pos
        table[de + de + 1] = length
        pos = stop
    return 0 if pos == end else MESSAGE


class Encoder:
    """Writes one message after the other into `buf`: `begin`, the fields ascending, `finish`.

    Every step returns where the next byte goes, or the negative code of a failure (TOO_LONG,
    ORDER, UNFIT). The first failure stays: later steps and `finish` return it too, so that one
    check at the end suffices.
    """

    def __init__(self, buf):
        """Write into `buf`, up to 1024 bytes of it."""
        self._buf = buf
        self._rows = ROWS
        self._state = array("i", bytes(4 * _STATE_LEN))
        self._state[_END] = min(_FRAME_MAX, len(buf))
        self._state[_FAILED] = ORDER

    @micropython.viper
    def begin(self, mti: int, high: int) -> int:
        """Start a message of type `mti` (0x0300), with a second bitmap when `high` is true."""
        state = ptr32(self._state)
        buf = ptr8(self._buf)
        state[_ROW] = 0
        state[_OPEN] = 0
        state[_LAST] = 1
        state[_HIGHEST] = 128 if high else 64
        pos = BODY + 2 + (16 if high else 8)
        state[_POS] = pos
        if pos > state[_END]:
            state[_FAILED] = TOO_LONG
            return TOO_LONG
        state[_FAILED] = 0
        i = 0
        while i < pos:
            buf[i] = 0
            i += 1
        buf[2] = 0x60
        buf[4] = 0x03
        buf[BODY] = mti >> 8
        buf[BODY + 1] = mti & 0xFF
        if high:
            buf[BODY + 2] = 0x80
        return pos

    @micropython.viper
    def put(self, de: int, src: ptr8, off: int, n: int) -> int:
        """Add the field `de` from the `n` bytes at `src[off]`.

        An `n` or `z` field takes ASCII digits (`=` too in `z`); `an` and `ans` take printable
        ASCII, which is padded in a fixed field; `b` takes bytes.
        """
        state = ptr32(self._state)
        if state[_FAILED]:
            return state[_FAILED]
        buf = ptr8(self._buf)
        rows = ptr8(self._rows)
        asked = de & 0x700
        de ^= asked
        row = state[_ROW]
        if asked == _NOW:
            if state[_OPEN] == 0:
                state[_FAILED] = ORDER
                return ORDER
            state[_OPEN] = 0
        else:
            if state[_OPEN] or de <= state[_LAST] or de > state[_HIGHEST]:
                state[_FAILED] = ORDER
                return ORDER
            while rows[row] < de:
                row += _ROW_LEN
            state[_ROW] = row
            state[_LAST] = de
            if rows[row] != de:
                state[_FAILED] = UNFIT
                return UNFIT
            de -= 1
            at = BODY + 2 + (de >> 3)
            buf[at] = buf[at] | 0x80 >> (de & 7)

        form = rows[row + _FORM]
        kind = form & 0x0F
        width = form >> 4
        least = rows[row + _LOW]
        longest = rows[row + _HIGH] << 8 | rows[row + _HIGH + 1]
        at = state[_POS]
        if asked == _LATER:
            n = least
            if kind != _B:
                n = -1
        if asked == _NUMBER:
            off -= longest
            n = longest
            if form != _N or n > _DIGITS:
                n = -1
        length = n
        if form == _TEXT and n >= 0 and n < longest:
            length = longest
        if length < least or length > longest:
            state[_FAILED] = UNFIT
            return UNFIT
        pos = at + width + (length if kind > _Z else length + 1 >> 1)
        if pos > state[_END]:
            state[_FAILED] = TOO_LONG
            return TOO_LONG
        if asked == _LATER:
            state[_OPEN] = 1
            return at + width
        state[_POS] = pos
        if width:
            if width == 2:
                high = length // 100
                length -= high * 100
                buf[at] = high
                at += 1
            buf[at] = length + length // 10 * 6
            at += 1
        if asked == _NOW:
            return pos

        end = off + n
        if kind == _B:
            while off < end:
                buf[at] = src[off]
                at += 1
                off += 1
            return pos
        if kind == _TEXT:
            while off < end:
                byte = src[off]
                if byte < 0x20 or byte > 0x7E:
                    state[_FAILED] = UNFIT
                    return UNFIT
                buf[at] = byte
                at += 1
                off += 1
            while at < pos:
                buf[at] = 0x20
                at += 1
            return pos
        extra = 0x3D if kind == _Z else 0x30
        half = n & 1 if form == _N else 0
        byte = 0
        while off < end:
            digit = src[off] ^ 0x30
            if digit > 9:
                if src[off] != extra:
                    state[_FAILED] = UNFIT
                    return UNFIT
                digit = 0x0D
            off += 1
            if half:
                buf[at] = byte | digit
                at += 1
                half = 0
                byte = 0
            else:
                byte = digit << 4
                half = 1
        if half:
            buf[at] = byte
        return pos

    @micropython.viper
    def number(self, de: int, value: int) -> int:
        """Add the fixed `n` field `de` of up to 12 digits with the int `value`, to 2147483647."""
        digits = ptr8(_digits)
        at = _DIGITS
        while at > 0:
            at -= 1
            rest = value // 10
            digits[at] = value - rest * 10 + 0x30
            value = rest
        pos = int(self.put(de | _NUMBER, _digits, _DIGITS, 0))
        if pos < 0:
            return pos
        state = ptr32(self._state)
        rows = ptr8(self._rows)
        over = value  # nothing may be left in front of the field's digits, nor a sign
        end = _DIGITS - rows[state[_ROW] + _HIGH + 1]
        while at < end:
            over |= digits[at] ^ 0x30
            at += 1
        if over:
            state[_FAILED] = UNFIT
            return UNFIT
        return pos

    @micropython.viper
    def open(self, de: int) -> int:
        """Begin the `b` field `de`; return where its content goes. `close` says how much it is.

        Its bit is set already, so a MAC can be computed from `BODY` up to where it goes.
        """
        return int(self.put(de | _LATER, _digits, 0, 0))

    @micropython.viper
    def close(self, n: int) -> int:
        """End the open field: its content has `n` bytes."""
        return int(self.put(_NOW, _digits, 0, n))

    @micropython.viper
    def finish(self) -> int:
        """Set LEN; return the length of the whole frame, or the first failure."""
        state = ptr32(self._state)
        buf = ptr8(self._buf)
        if state[_FAILED] == 0 and state[_OPEN]:
            state[_FAILED] = ORDER
        if state[_FAILED]:
            return state[_FAILED]
        size = state[_POS] - 2
        buf[0] = size >> 8
        buf[1] = size & 0xFF
        return size + 2
