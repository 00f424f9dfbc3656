"""ISO 8583 on the caller's buffer: decoding into a table of places, encoding into the frame.

Always holds: nothing outside the given range is read or written, nothing is allocated, no field
is copied. Which fields there are and how they look is the table in `message.fields`.
Imports `message.fields` only.
"""

from micropython import const

from firmware.message.fields import INDEX, ROWS, B, N, Z

# `decode` fills array('H', TABLE_LEN): [2 * de] offset of the content, 0 when the field is absent;
# [2 * de + 1] its length in digits (n, z) or bytes.
TABLE_LEN = const(258)

MESSAGE = const(1)  # the fault lies in the MTI, the bitmap or the message as a whole

TOO_LONG = const(-1)  # no room, or more than a frame may hold
ORDER = const(-2)  # fields must ascend; a field is open, or none is
UNFIT = const(-3)  # not in the profile, or content that its format does not allow

_FRAME_MAX = const(1024)
_HEADER = const(7)  # LEN and TPDU


def _packed_ok(buf, pos, count, left, separator):
    """Return 1 if `count` nibbles from `buf[pos]` are digits (or `separator`), the pad is 0."""
    end = pos + (count + 1 >> 1)
    if count & 1 and ((buf[end - 1] & 0x0F) if left else (buf[pos] >> 4)):
        return 0
    for i in range(pos, end):
        byte = buf[i]
        if byte > 0x99 or byte & 0x0F > 9:
            high = byte >> 4
            low = byte & 0x0F
            if (high > 9 and high != separator) or (low > 9 and low != separator):
                return 0
    return 1


def _text_ok(buf, pos, n):
    """Return 1 if the `n` bytes from `buf[pos]` are printable ASCII."""
    for i in range(pos, pos + n):
        if buf[i] < 0x20 or buf[i] > 0x7E:
            return 0
    return 1


def decode(buf, start, end, table):
    """Find every field of the message in `buf[start:end]` (MTI first) in one pass.

    Return 0, or the number of the DE at fault, or MESSAGE. After a fault `table` holds the fields
    in front of it.
    """
    for i in range(TABLE_LEN):
        table[i] = 0
    bitmap = start + 2
    pos = bitmap + 8
    if pos > end or not _packed_ok(buf, start, 4, 0, 0):
        return MESSAGE
    last = 64
    if buf[bitmap] & 0x80:
        last = 128
        pos += 8
        if pos > end:
            return MESSAGE
    for de in range(2, last + 1):
        bit = de - 1
        if not buf[bitmap + (bit >> 3)] & 0x80 >> (bit & 7):
            continue
        row = INDEX[de] << 2
        if not row:
            return de
        kind = ROWS[row] & 0x0F
        width = ROWS[row] >> 4
        longest = ROWS[row + 2] << 8 | ROWS[row + 3]
        length = longest
        if width:
            if pos + width > end or not _packed_ok(buf, pos, width << 1, 0, 0):
                return de
            length = 0
            for i in range(pos, pos + width):
                length = length * 100 + (buf[i] >> 4) * 10 + (buf[i] & 0x0F)
            if length < ROWS[row + 1] or length > longest:
                return de
            pos += width
        if kind == N or kind == Z:
            size = length + 1 >> 1
            if pos + size > end:
                return de
            if not _packed_ok(buf, pos, length, width, 0x0D if kind == Z else 0):
                return de
        else:
            size = length
            if pos + size > end or (kind != B and not _text_ok(buf, pos, size)):
                return de
        table[de << 1] = pos
        table[(de << 1) + 1] = length
        pos += size
    return 0 if pos == end else MESSAGE


def get_number(buf, off, digits):
    """Return the value of a fixed `n` field. Above 9 digits the int may leave the small range."""
    value = 0
    nibble = digits & 1
    for _ in range(digits):
        byte = buf[off + (nibble >> 1)]
        value = value * 10 + (byte & 0x0F if nibble & 1 else byte >> 4)
        nibble += 1
    return value


def digits_into(buf, off, digits, out, out_off):
    """Write the `digits` digits of a fixed `n` field as ASCII to `out[out_off]`."""
    _unpack(buf, off, digits & 1, digits, out, out_off)


def var_digits_into(buf, off, digits, out, out_off):
    """Write the digits of an LLVAR or LLLVAR `n` or `z` field as ASCII (`=` for D)."""
    _unpack(buf, off, 0, digits, out, out_off)


def _unpack(buf, off, nibble, digits, out, out_off):
    for i in range(digits):
        byte = buf[off + (nibble >> 1)]
        value = byte & 0x0F if nibble & 1 else byte >> 4
        out[out_off + i] = value + 48 if value < 10 else 0x3D
        nibble += 1


class Encoder:
    """Writes one message after the other into `buf`: `begin`, the fields ascending, `finish`.

    Every step returns an int that is negative (TOO_LONG, ORDER, UNFIT) when it failed. The first
    failure stays: later steps and `finish` return it too, so that one check at the end suffices.
    """

    def __init__(self, buf):
        """Write into `buf`, up to 1024 bytes of it."""
        self._buf = buf
        self._end = min(_FRAME_MAX, len(buf))
        self._last = 0
        self._highest = 0
        self._row = 0
        self._failed = ORDER
        self.body = _HEADER  # offset of the MTI
        self.pos = 0  # where the next byte goes
        self.limit = 0  # where the content of the open field has to end at the latest

    def begin(self, mti, high):
        """Start a message of type `mti` (0x0300), with a second bitmap when `high` is true."""
        buf = self._buf
        self.pos = _HEADER + 2 + (16 if high else 8)
        self._failed = 0
        self._row = 0
        self._last = 1
        self._highest = 128 if high else 64
        if self.pos > self._end:
            return self._fail(TOO_LONG)
        for i in range(self.pos):
            buf[i] = 0
        buf[2] = 0x60
        buf[4] = 0x03
        buf[_HEADER] = mti >> 8
        buf[_HEADER + 1] = mti & 0xFF
        if high:
            buf[_HEADER + 2] = 0x80
        return 0

    def _fail(self, code):
        self._failed = code
        return code

    def _next(self, de):
        """Set the bit of `de` and return its row, or a failure."""
        if self._failed:
            return self._failed
        if self._row or de <= self._last or de > self._highest:
            return self._fail(ORDER)
        row = INDEX[de] << 2
        if not row:
            return self._fail(UNFIT)
        self._last = de
        bit = de - 1
        self._buf[_HEADER + 2 + (bit >> 3)] |= 0x80 >> (bit & 7)
        return row

    def _field(self, row, length):
        """Write the length in front of the content; return where that goes and move behind it."""
        kind = ROWS[row] & 0x0F
        width = ROWS[row] >> 4
        if length < ROWS[row + 1] or length > (ROWS[row + 2] << 8 | ROWS[row + 3]):
            return self._fail(UNFIT)
        at = self.pos + width
        end = at + (length + 1 >> 1 if kind == N or kind == Z else length)
        if end > self._end:
            return self._fail(TOO_LONG)
        self.pos = end
        rest = length
        for i in range(at - 1, at - 1 - width, -1):
            self._buf[i] = rest % 10 | rest // 10 % 10 << 4
            rest //= 100
        return at

    def number(self, de, value):
        """Add the fixed `n` field `de` with the int `value`."""
        row = self._next(de)
        if row < 0:
            return row
        if ROWS[row] != N or value < 0:
            return self._fail(UNFIT)
        at = self._field(row, ROWS[row + 3])
        if at < 0:
            return at
        for i in range(self.pos - 1, at - 1, -1):
            self._buf[i] = value % 10 | value // 10 % 10 << 4
            value //= 100
        if value or (ROWS[row + 3] & 1 and self._buf[at] > 9):
            return self._fail(UNFIT)
        return 0

    def digits(self, de, src, off, n):
        """Add the `n` or `z` field `de` from the `n` ASCII digits (`=` in `z`) at `src[off]`."""
        row = self._next(de)
        if row < 0:
            return row
        kind = ROWS[row] & 0x0F
        if kind != N and kind != Z:
            return self._fail(UNFIT)
        at = self._field(row, n)
        if at < 0:
            return at
        buf = self._buf
        for i in range(at, self.pos):
            buf[i] = 0
        nibble = n & 1 if ROWS[row] == N else 0
        for i in range(off, off + n):
            value = src[i] - 48
            if value < 0 or value > 9:
                if kind != Z or src[i] != 0x3D:
                    return self._fail(UNFIT)
                value = 0x0D
            buf[at + (nibble >> 1)] |= value if nibble & 1 else value << 4
            nibble += 1
        return 0

    def text(self, de, src, off, n):
        """Add the `an` or `ans` field `de` from `src[off:off + n]`; a fixed one is padded."""
        row = self._next(de)
        if row < 0:
            return row
        kind = ROWS[row] & 0x0F
        if kind == N or kind == Z or kind == B or not _text_ok(src, off, n):
            return self._fail(UNFIT)
        fixed = ROWS[row + 3]
        if ROWS[row] >> 4:
            fixed = n
        elif n > fixed:
            return self._fail(UNFIT)
        at = self._field(row, fixed)
        if at < 0:
            return at
        buf = self._buf
        for i in range(n):
            buf[at + i] = src[off + i]
        for i in range(at + n, self.pos):
            buf[i] = 0x20
        return 0

    def data(self, de, src, off, n):
        """Add the `b` field `de` from `src[off:off + n]`."""
        at = self.open(de)
        if at < 0:
            return at
        if at + n > self.limit:
            return self._fail(TOO_LONG if at + n > self._end else UNFIT)
        for i in range(n):
            self._buf[at + i] = src[off + i]
        return self.close(n)

    def open(self, de):
        """Begin the `b` field `de`; return where its content goes, up to `limit`.

        Its bit is set already, so a MAC can be computed over `body` up to where it goes.
        """
        row = self._next(de)
        if row < 0:
            return row
        if ROWS[row] & 0x0F != B:
            return self._fail(UNFIT)
        at = self.pos + (ROWS[row] >> 4)
        if at + ROWS[row + 1] > self._end:
            return self._fail(TOO_LONG)
        self._row = row
        limit = at + (ROWS[row + 2] << 8 | ROWS[row + 3])
        self.limit = min(self._end, limit)
        return at

    def close(self, n):
        """End the open field: its content has `n` bytes."""
        if self._failed:
            return self._failed
        row = self._row
        if not row:
            return self._fail(ORDER)
        self._row = 0
        at = self._field(row, n)
        return min(0, at)

    def finish(self):
        """Set LEN; return the length of the whole frame, or the first failure."""
        if self._failed:
            return self._failed
        if self._row:
            return self._fail(ORDER)
        size = self.pos - 2
        self._buf[0] = size >> 8
        self._buf[1] = size & 0xFF
        return self.pos
