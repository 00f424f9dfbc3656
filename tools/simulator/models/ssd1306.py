"""The SSD1306 display controller: decodes its I2C byte stream and shows what a person would see.

Covers the commands of the data sheet (rev 1.1) that do not animate: the three addressing modes,
windows, contrast, inversion, all-on, start line, remapping, display offset, charge pump and power.
Scrolling commands are decoded and ignored. A command that the data sheet does not list is counted
in `unknown`, so that a test sees a stream that went out of step.
"""

import random
import threading

WIDTH = 128
HEIGHT = 64
PAGES = HEIGHT // 8

# Commands that take parameter bytes, with their number; 0x80-0xFF not listed here take none.
_PARAMETERS = {
    0x20: 1, 0x21: 2, 0x22: 2, 0x26: 6, 0x27: 6, 0x29: 5, 0x2A: 5, 0x81: 1, 0x8D: 1, 0xA3: 2,
    0xA8: 1, 0xAD: 1, 0xD3: 1, 0xD5: 1, 0xD9: 1, 0xDA: 1, 0xDB: 1,
}  # fmt: skip
_WITHOUT = {0x2E, 0x2F, 0xA0, 0xA1, 0xA4, 0xA5, 0xA6, 0xA7, 0xAE, 0xAF, 0xC0, 0xC8, 0xE3}


class Ssd1306:
    """A 128x64 panel at one I2C address.

    `pixels` is what is seen: 1024 bytes, MONO_VLSB (byte = column of eight rows, bit 0 on top),
    dark while the panel is off. `on_change` is called, on the bus thread, when that may differ.
    """

    def __init__(self, address=0x3C):
        self.address = address
        self.fitted = True
        self.on_change = lambda: None
        self.bytes_received = 0
        self.unknown = 0
        self._lock = threading.Lock()
        self.power_up()

    def power_up(self):
        """Start as after power-on: display off, RAM undefined (so never all dark)."""
        with self._lock:
            self.ram = bytearray(random.Random(1306).randbytes(WIDTH * PAGES))
            self.on = False
            self.contrast = 0x7F
            self.inverted = False
            self._all_on = False
            self._pump = False
            self._mode = 2
            self._columns = [0, WIDTH - 1]
            self._pages = [0, PAGES - 1]
            self._column = self._page = 0
            self._start_line = self._offset = 0
            self._mirrored = True  # until A1: the panel is mounted so that A1 and C8 look upright
            self._upside_down = True
            self._command = []
        self.on_change()

    @property
    def lit(self):
        """Whether anything can be seen at all."""
        return self.fitted and self.on and self._pump

    @property
    def pixels(self):
        with self._lock:
            if not self.lit:
                return bytes(WIDTH * PAGES)
            if self._all_on:
                seen = b"\xff" * (WIDTH * PAGES)
            elif self._start_line or self._offset or self._upside_down:
                seen = self._rearranged()
            else:
                seen = bytes(self.ram)
            if self._mirrored:
                pages = (seen[at : at + WIDTH] for at in range(0, len(seen), WIDTH))
                seen = b"".join(page[::-1] for page in pages)
            if self.inverted:
                seen = bytes(byte ^ 0xFF for byte in seen)
            return seen

    def _rearranged(self):
        """RAM rows moved by start line and offset, and turned over when COM is not remapped."""
        seen = bytearray(WIDTH * PAGES)
        for row in range(HEIGHT):
            source = (row + self._start_line + self._offset) % HEIGHT
            target = HEIGHT - 1 - row if self._upside_down else row
            for column in range(WIDTH):
                if self.ram[(source >> 3) * WIDTH + column] >> (source & 7) & 1:
                    seen[(target >> 3) * WIDTH + column] |= 1 << (target & 7)
        return bytes(seen)

    # -- the I2C side ---------------------------------------------------------------------------

    def write(self, data):
        """Take one I2C write after the address; return whether it was acknowledged."""
        if not self.fitted:
            return False
        with self._lock:
            self.bytes_received += len(data)
            at = 0
            while at < len(data):
                control = data[at]
                single = control & 0x80
                end = min(at + 2, len(data)) if single else len(data)
                if control & 0x40:
                    self._data(data[at + 1 : end])
                else:
                    for byte in data[at + 1 : end]:
                        self._command_byte(byte)
                at = end
        if data:
            self.on_change()
        return True

    def read(self, n):
        """Return `n` status bytes: bit 6 is set while the display is off."""
        return bytes([0 if self.on else 0x40]) * n if self.fitted else None

    def _data(self, data):
        first, last = self._columns
        if self._mode == 0 and self._column + len(data) <= last + 1:
            at = self._page * WIDTH + self._column
            self.ram[at : at + len(data)] = data
            self._column += len(data)
            if self._column > last:
                self._column = first
                self._next_page()
            return
        for byte in data:
            self.ram[self._page * WIDTH + self._column] = byte
            if self._mode == 1:
                if self._page == self._pages[1]:
                    self._page = self._pages[0]
                    self._column = first if self._column == last else (self._column + 1) % WIDTH
                else:
                    self._page = (self._page + 1) % PAGES
            elif self._mode == 0:
                if self._column == last:
                    self._column = first
                    self._next_page()
                else:
                    self._column = (self._column + 1) % WIDTH
            else:
                self._column = (self._column + 1) % WIDTH

    def _next_page(self):
        at_end = self._page == self._pages[1]
        self._page = self._pages[0] if at_end else (self._page + 1) % PAGES

    def _command_byte(self, byte):
        self._command.append(byte)
        code = self._command[0]
        if len(self._command) <= _PARAMETERS.get(code, 0):
            return
        parameters = self._command[1:]
        self._command = []
        if code < 0x10:
            self._column = self._column & 0x70 | code
        elif code < 0x20:
            self._column = self._column & 0x0F | (code & 7) << 4
        elif code == 0x20:
            self._mode = parameters[0] & 3
        elif code == 0x21:
            self._columns = [parameters[0] & 0x7F, parameters[1] & 0x7F]
            self._column = self._columns[0]
        elif code == 0x22:
            self._pages = [parameters[0] & 7, parameters[1] & 7]
            self._page = self._pages[0]
        elif 0x40 <= code < 0x80:
            self._start_line = code & 0x3F
        elif code == 0x81:
            self.contrast = parameters[0]
        elif code == 0x8D:
            self._pump = bool(parameters[0] & 4)
        elif code in (0xA0, 0xA1):
            self._mirrored = code == 0xA0
        elif code in (0xA4, 0xA5):
            self._all_on = code == 0xA5
        elif code in (0xA6, 0xA7):
            self.inverted = code == 0xA7
        elif code in (0xAE, 0xAF):
            self.on = code == 0xAF
        elif 0xB0 <= code < 0xB8:
            self._page = code & 7
        elif code in (0xC0, 0xC8):
            self._upside_down = code == 0xC0
        elif code == 0xD3:
            self._offset = parameters[0] & 0x3F
        elif code not in _PARAMETERS and code not in _WITHOUT:
            self.unknown += 1
