"""Frames in a stream: LEN (2, big-endian) | TPDU (5) | message.

Always holds: bytes are taken in place, whatever the pieces they arrive in; `buf` never overflows;
nothing is allocated. A bad length or TPDU is final until `reset`: the connection has to be closed.
Imports nothing.
"""

from micropython import const

MORE = const(0)
BAD = const(-1)

BODY = const(7)  # offset of the message in a frame

_LEN_MIN = const(15)
_LEN_MAX = const(1022)
_TPDU = const(0x60)


def verdict(buf, start, n):
    """Judge the `n` bytes from `buf[start]`: the length of the frame, MORE, or BAD.

    A frame that cannot become a good one is BAD at its first wrong byte.
    """
    if n and buf[start] > _LEN_MAX >> 8:
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

    def reset(self):
        """Forget everything: a new connection."""
        self.fill = 0
        self._verdict = MORE

    def room(self):
        """Return how many bytes fit behind `fill`."""
        return len(self.buf) - self.fill

    def wanted(self):
        """Return how many bytes are missing to the header, or to the frame once it is known."""
        if self._verdict != MORE:
            return 0
        if self.fill < 2:
            return 2 - self.fill
        return (self.buf[0] << 8 | self.buf[1]) + 2 - self.fill

    def accept(self, n):
        """Take `n` bytes that were read to `buf[fill]`; return MORE, BAD or the frame's length."""
        self.fill += n
        if self._verdict == MORE:
            self._verdict = verdict(self.buf, 0, self.fill)
        return self._verdict

    def next(self):
        """Drop the frame at the front and return the verdict on what follows it."""
        size = self._verdict
        if size > 0:
            rest = self.fill - size
            for i in range(rest):
                self.buf[i] = self.buf[size + i]
            self.fill = rest
            self._verdict = verdict(self.buf, 0, rest)
        return self._verdict
