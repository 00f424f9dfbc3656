"""MicroPython's framebuf for CPython: the one-bit formats and the calls that the firmware uses.

Follows extmod/modframebuf.c in what is drawn where and what is clipped.
"""

MONO_VLSB = MVLSB = 0
MONO_HLSB = 3
MONO_HMSB = 4


class FrameBuffer:
    """A picture of `width` x `height` pixels in `buffer`."""

    def __init__(self, buffer, width, height, format, stride=None):
        self._bits = memoryview(buffer).cast("B")
        self._width = width
        self._height = height
        self._format = format
        self._stride = width if stride is None else stride
        if format == MONO_VLSB:
            needed = (height + 7) // 8 * self._stride
        elif format in (MONO_HLSB, MONO_HMSB):
            self._stride = (self._stride + 7) & ~7
            needed = height * self._stride // 8
        else:
            raise ValueError("invalid format")
        if width < 1 or height < 1 or needed > len(self._bits):
            raise ValueError("buffer too small")

    def _place(self, x, y):
        if self._format == MONO_VLSB:
            return (y >> 3) * self._stride + x, y & 7
        index = x + y * self._stride
        return index >> 3, index & 7 if self._format == MONO_HMSB else 7 - (index & 7)

    def _get(self, x, y):
        index, bit = self._place(x, y)
        return self._bits[index] >> bit & 1

    def _set(self, x, y, colour):
        index, bit = self._place(x, y)
        self._bits[index] = self._bits[index] & ~(1 << bit) | (colour != 0) << bit

    def fill(self, colour):
        """Set every pixel."""
        self.fill_rect(0, 0, self._width, self._height, colour)

    def fill_rect(self, x, y, width, height, colour):
        """Fill a rectangle, clipped to the picture."""
        left, right = max(0, x), min(self._width, x + width)
        top, end = max(0, y), min(self._height, y + height)
        if left >= right or top >= end:
            return
        if self._format != MONO_VLSB:
            for row in range(top, end):
                for column in range(left, right):
                    self._set(column, row, colour)
            return
        for page in range(top >> 3, (end + 7) >> 3):  # whole columns of a page: tests draw a lot
            mask = 0xFF << max(0, top - 8 * page) & 0xFF >> max(0, 8 * page + 8 - end)
            for index in range(page * self._stride + left, page * self._stride + right):
                self._bits[index] = self._bits[index] & ~mask | (mask if colour else 0)

    def pixel(self, x, y, colour=None):
        """Return a pixel, or set it; outside of the picture nothing happens."""
        if 0 <= x < self._width and 0 <= y < self._height:
            if colour is None:
                return self._get(x, y)
            self._set(x, y, colour)
        return None

    def hline(self, x, y, length, colour):
        """Draw a horizontal line."""
        self.fill_rect(x, y, length, 1, colour)

    def vline(self, x, y, length, colour):
        """Draw a vertical line."""
        self.fill_rect(x, y, 1, length, colour)

    def rect(self, x, y, width, height, colour, fill=False):
        """Draw a rectangle's outline, or fill it."""
        if fill:
            self.fill_rect(x, y, width, height, colour)
            return
        self.fill_rect(x, y, width, 1, colour)
        self.fill_rect(x, y + height - 1, width, 1, colour)
        self.fill_rect(x, y, 1, height, colour)
        self.fill_rect(x + width - 1, y, 1, height, colour)

    def blit(self, source, x, y, key=-1, palette=None):
        """Draw another picture, clipped; pixels that the palette turns into `key` are left out."""
        if self._format == source._format == MONO_VLSB:  # tests draw a lot of these
            self._blit_columns(source, x, y, key, palette)
            return
        for row in range(max(0, -y), min(source._height, self._height - y)):
            for column in range(max(0, -x), min(source._width, self._width - x)):
                colour = source._get(column, row)
                if palette is not None:
                    colour = palette._get(colour, 0)
                if colour != key:
                    self._set(x + column, y + row, colour)

    def _blit_columns(self, source, x, y, key, palette):
        # A column is a number, its lowest bit the topmost pixel.
        colours = [palette._get(ink, 0) if palette is not None else ink for ink in (0, 1)]
        top, end = max(0, -y), min(source._height, self._height - y)
        all_rows = (1 << end) - (1 << top) if top < end else 0
        for column in range(max(0, -x), min(source._width, self._width - x)):
            ink = source._column(column)
            lit = (ink if colours[1] else 0) | (~ink if colours[0] else 0)
            drawn = (ink if colours[1] != key else 0) | (~ink if colours[0] != key else 0)
            drawn &= all_rows
            lit &= drawn
            if y < 0:
                lit, drawn = lit >> -y, drawn >> -y
            else:
                lit, drawn = lit << y, drawn << y
            index = x + column
            while drawn:
                if drawn & 0xFF:
                    self._bits[index] = self._bits[index] & ~drawn & 0xFF | lit & 0xFF
                index, lit, drawn = index + self._stride, lit >> 8, drawn >> 8

    def _column(self, x):
        return int.from_bytes(self._bits[x :: self._stride], "little")

    def scroll(self, dx, dy):
        """Move the picture; what is uncovered keeps its old pixels."""
        columns = range(self._width) if dx < 0 else range(self._width - 1, -1, -1)
        rows = range(self._height) if dy < 0 else range(self._height - 1, -1, -1)
        for y in rows:
            for x in columns:
                if 0 <= x - dx < self._width and 0 <= y - dy < self._height:
                    self._set(x, y, self._get(x - dx, y - dy))
