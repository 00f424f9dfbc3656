"""The 128x64 OLED: a frame buffer whose `flush` sends only what changed.

A second copy of the picture remembers what the panel shows. A page is compared as a whole first,
then narrowed to the columns that differ. What always holds: `flush` allocates nothing; a panel
that does not answer is counted in `errors`, tried again every two seconds and never stops the
caller, and once it answers it is set up afresh and gets the whole picture. Imports the ssd1306
driver of micropython-lib; the bus comes in through the constructor.
"""

import time

from micropython import const
from ssd1306 import SSD1306_I2C

_WIDTH = const(128)
_HEIGHT = const(64)
_PAGES = const(8)
_LARGE = const(32)  # columns sent by one write; ranges are widened to multiples of _SMALL
_SMALL = const(8)
_RETRY_MS = const(2000)


class Oled(SSD1306_I2C):
    """The panel behind `i2c`, a FrameBuffer of 128 x 64 pixels, MONO_VLSB.

    `fitted` tells whether the panel answered the last time it was spoken to.
    """

    def __init__(self, i2c):
        self.errors = 0
        self.fitted = True
        self._sent = bytearray(_WIDTH * _PAGES)
        self._window = bytearray(b"\x00\x21\x00\x00\x22\x00\x00")
        self._large = bytearray(1 + _LARGE)
        self._small = bytearray(1 + _SMALL)
        self._large[0] = self._small[0] = 0x40  # data follows
        self._stale = False
        self._lost_ms = 0
        super().__init__(_WIDTH, _HEIGHT, i2c)
        now = memoryview(self.buffer)
        sent = memoryview(self._sent)
        self._now_pages = [now[at : at + _WIDTH] for at in range(0, _WIDTH * _PAGES, _WIDTH)]
        self._sent_pages = [sent[at : at + _WIDTH] for at in range(0, _WIDTH * _PAGES, _WIDTH)]

    def write_cmd(self, cmd):
        """Send one command byte; a silent panel is only noted."""
        if self.fitted:
            try:
                super().write_cmd(cmd)
            except OSError:
                self._lost()

    def write_data(self, buf):
        """Send picture data; a silent panel is only noted."""
        if self.fitted:
            try:
                super().write_data(buf)
            except OSError:
                self._lost()

    def flush(self):
        """Send what changed since the last flush; return the bytes put on the bus, addresses
        included.
        """
        if not self.fitted and not self._found_again():
            return 0
        total = 0
        try:
            for page in range(_PAGES):
                if self._stale or self._now_pages[page] != self._sent_pages[page]:
                    total += self._send_page(page)
        except OSError:
            self._lost()
            return total
        self._stale = False
        return total

    def _send_page(self, page):
        now = self.buffer
        sent = self._sent
        base = page * _WIDTH
        first = base
        last = base + _WIDTH - 1
        if not self._stale:
            while now[first] == sent[first]:
                first += 1
            while now[last] == sent[last]:
                last -= 1
            first -= first % _SMALL
            last |= _SMALL - 1
        window = self._window
        window[2] = first - base
        window[3] = last - base
        window[5] = window[6] = page
        self.i2c.writeto(self.addr, window)
        total = len(window) + 1
        while first <= last:
            piece = self._large if last - first >= _LARGE - 1 else self._small
            for index in range(1, len(piece)):
                piece[index] = sent[first] = now[first]
                first += 1
            self.i2c.writeto(self.addr, piece)
            total += len(piece) + 1
        return total

    def _lost(self):
        self.errors += 1
        self.fitted = False
        self._stale = True
        self._lost_ms = time.ticks_ms()

    def _found_again(self):
        if time.ticks_diff(time.ticks_ms(), self._lost_ms) < _RETRY_MS:
            return False
        self.fitted = True
        self._sent[:] = self.buffer  # init_display clears the picture
        self.init_display()
        self.buffer[:] = self._sent
        return self.fitted
