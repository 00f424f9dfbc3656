"""The 128x64 OLED: a frame buffer whose `flush` sends only what changed.

A second copy of the picture remembers what the panel shows; of each page only the columns that
differ are sent. What always holds: `flush` allocates nothing; a panel that does not answer is
counted in `errors`, tried again every two seconds and never stops the caller, and once it answers
it is set up afresh and gets the whole picture. Set up as the data sheet of the SSD1306 (rev. 1.1,
and its application note) has it for a module of 128 x 64 with its own charge pump. Native code:
stays in memory. The bus comes in through the constructor.
"""

import time

import framebuf
import micropython
from micropython import const

_WIDTH = const(128)
_HEIGHT = const(64)
_SIZE = const(1024)
_LARGE = const(32)  # columns sent by one write; ranges are widened to multiples of _SMALL
_SMALL = const(8)
_RETRY_MS = const(2000)
_ADDRESS = const(0x3C)

_SET_UP = (
    b"\x00"  # commands follow
    b"\xae"  # off
    b"\xd5\x80"  # clock: as after a reset
    b"\xa8\x3f"  # 64 rows
    b"\xd3\x00\x40"  # from the first one on
    b"\x8d\x14"  # charge pump on
    b"\x20\x00"  # horizontal addressing
    b"\xa1\xc8"  # the connector is above
    b"\xda\x12"  # rows in alternating order
    b"\x81\xff"  # contrast
    b"\xd9\xf1\xdb\x30"  # precharge, deselect level: for the charge pump
    b"\xa4\xa6"  # what is in memory, not inverted
    b"\xaf"  # on
)


@micropython.viper
def _edge(a: ptr8, b: ptr8, at: int, end: int) -> int:
    """Return where `a` and `b` begin to differ between `at` and `end`, which comes after the last
    place or before the first one; `end` when they don't.
    """
    step = 1 if at < end else -1
    while at != end:
        if a[at] != b[at]:
            return at
        at += step
    return end


class Oled(framebuf.FrameBuffer):
    """The panel behind `i2c`, a FrameBuffer of 128 x 64 pixels, MONO_VLSB.

    `fitted` tells whether the panel answered the last time it was spoken to.
    """

    def __init__(self, i2c):
        self.buffer = bytearray(_SIZE)
        self._sent = bytearray(_SIZE)
        self._window = bytearray(b"\x00\x21\x00\x00\x22\x00\x00")
        self._large = bytearray(1 + _LARGE)
        self._small = bytearray(1 + _SMALL)
        self._large[0] = self._small[0] = 0x40  # data follows
        self._i2c = i2c
        self._lost_ms = 0
        self.errors = 0
        self.fitted = False
        super().__init__(self.buffer, _WIDTH, _HEIGHT, framebuf.MONO_VLSB)
        self._send()

    def flush(self):
        """Send what changed since the last flush; return the bytes put on the bus, addresses
        included.
        """
        if not self.fitted and time.ticks_diff(time.ticks_ms(), self._lost_ms) < _RETRY_MS:
            return 0
        return self._send()

    def _send(self):
        total = 0
        afresh = not self.fitted
        try:
            if afresh:
                self._i2c.writeto(_ADDRESS, _SET_UP)
            for base in range(0, _SIZE, _WIDTH):
                first, end = base, base + _WIDTH
                if not afresh:
                    first = _edge(self.buffer, self._sent, first, end)
                    if first == end:
                        continue
                    end = _edge(self.buffer, self._sent, end - 1, first) + 1
                total += self._send_columns(base, first & -_SMALL, end + _SMALL - 1 & -_SMALL)
            self.fitted = True
        except OSError:
            self.errors += 1
            self.fitted = False
            self._lost_ms = time.ticks_ms()
        return total

    def _send_columns(self, base, first, end):
        # The columns between `first` and `end` of the page that begins at `base`.
        now = self.buffer
        sent = self._sent
        window = self._window
        window[2] = first - base
        window[3] = end - 1 - base
        window[5] = window[6] = base // _WIDTH
        self._i2c.writeto(_ADDRESS, window)
        total = len(window) + 1
        while first < end:
            piece = self._large if end - first >= _LARGE else self._small
            for index in range(1, len(piece)):
                piece[index] = sent[first] = now[first]
                first += 1
            self._i2c.writeto(_ADDRESS, piece)
            total += len(piece) + 1
        return total
