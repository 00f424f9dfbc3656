"""Frames in a stream: LEN (2, big-endian) | TPDU (5) | message.

Always holds: bytes are taken in place, whatever the pieces they arrive in; `buf` never overflows;
nothing is allocated. A bad length or TPDU is final until `reset`: under TLS nothing is lost and
nothing is noise, so the profile closes the connection. Native code: stays in memory. Imports
nothing.
"""

import micropython
from micropython import const

MORE = const(0)
BAD = const(-1)

_LEN_MIN = const(15)
_LEN_MAX = const(1022)
_TPDU = const(0x60)


@micropython.viper
def verdict(buf: ptr8, start: int, n: int) -> int:
    """Judge the `n` bytes from `buf[start]`: the length of the frame, MORE, or BAD.

    A frame that cannot become a good one is BAD at its first wrong byte.
    """
    if n > 0 and buf[start] > _LEN_MAX >> 8:
        return BAD
    if n < 2:
        return MORE
    size = buf[start] << 8 | buf[start + 1]
    if size < _LEN_MIN or size > _LEN_MAX or (n > 2 and buf[start + 2] != _TPDU):
        return BAD
    return size + 2 if n >= size + 2 else MORE


class Framer:
    """Collects frames at the front of `buf` (1024 bytes), one at a time.

    Read at most `room()` bytes, or exactly `wanted()`, to `buf[fill]`, then `accept` their number.
    """

    def __init__(self, buf):
        """Use `buf`, which holds the frame until `next`."""
        self.buf = buf
        self.fill = 0
        self._verdict = MORE

    @micropython.viper
    def reset(self):
        """Forget everything: a new connection."""
        self.fill = 0
        self._verdict = MORE

    @micropython.viper
    def room(self) -> int:
        """Return how many bytes fit behind `fill`."""
        return int(len(self.buf)) - int(self.fill)

    @micropython.viper
    def wanted(self) -> int:
        """Return how many bytes are missing to the header, or to the frame once it is known."""
        if int(self._verdict) != MORE:
            return 0
        fill = int(self.fill)
        if fill < 2:
            return 2 - fill
        buf = ptr8(self.buf)
        return (buf[0] << 8 | buf[1]) + 2 - fill

    @micropython.viper
    def accept(self, n: int) -> int:
        """Take `n` bytes that were read to `buf[fill]`; return MORE, BAD or the frame's length."""
        fill = int(self.fill) + n
        self.fill = fill
        size = int(self._verdict)
        if size == MORE:
            size = int(verdict(self.buf, 0, fill))
            self._verdict = size
        return size

    @micropython.viper
    def next(self) -> int:
        """Drop the frame at the front and return the verdict on what follows it."""
        size = int(self._verdict)
        if size > 0:
            buf = ptr8(self.buf)
            fill = int(self.fill)
            rest = fill - size
            i = 0
            while i < rest:
                buf[i] = buf[size + i]
                i += 1
            self.fill = rest
            size = int(verdict(self.buf, 0, rest))
            self._verdict = size
        return size
