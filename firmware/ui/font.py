"""Glyphs of the 12-row font, read one by one from the font file.

The file, little-endian, made by tools.build.font:

    "RF" version(1) rows(1) glyphs(2) | width of each of U+0020-U+007E (95)
    | first code point of each block (2 each) | code points, ascending (2 each) | glyphs (24 each)

A block is 64 code points. A glyph is 12 columns of MONO_VLSB: 12 bytes with rows 0-7, then 12
bytes with rows 8-11 in their low halves; the high half of byte 12 is the glyph's advance in
columns.

What always holds: RAM use is fixed at construction; a glyph that was drawn lately costs no file
access and no allocation; a code point that the file lacks is drawn as a box. May import framebuf
only.
"""

import framebuf
from micropython import const

ROWS = const(12)
_COLUMNS = const(12)
_GLYPH_LEN = const(24)
_ADVANCE_AT = const(12)
_VERSION = const(1)
_HEADER_LEN = const(6)
_ASCII_FIRST = const(0x20)
_ASCII_COUNT = const(95)
_BLOCK = const(64)
_SETS = const(8)  # the cache: a code point may lie in any of 4 slots of its set
_WAYS = const(4)
_SLOTS = const(32)
_AGE_MAX = const(255)
_BOX = b"\xfe\x02\x02\x02\x02\x02\x02\x02\x02\x02\xfe\x00\xc7" + b"\x04" * 9 + b"\x07\x00"


class Font:
    """The font in the file at `path`; raises OSError when it cannot be read or isn't one."""

    def __init__(self, path):
        self._file = open(
            path, "rb"
        )  # stays open: glyphs come from it for as long as there is power
        head = self._file.read(_HEADER_LEN)
        if len(head) < _HEADER_LEN or head[:2] != b"RF" or head[2] != _VERSION or head[3] != ROWS:
            raise OSError("font")
        self._count = head[4] | head[5] << 8
        self._ascii_widths = self._file.read(_ASCII_COUNT)
        blocks = (self._count + _BLOCK - 1) // _BLOCK
        self._firsts = self._file.read(blocks * 2)
        self._codes_at = _HEADER_LEN + _ASCII_COUNT + blocks * 2
        self._glyphs_at = self._codes_at + self._count * 2
        self._block = bytearray(_BLOCK * 2)
        self._codes = bytearray(_SLOTS * 2)
        self._ages = bytearray(_SLOTS)
        self._kept = bytearray(_SLOTS * _GLYPH_LEN)
        self._cell = bytearray(_GLYPH_LEN)  # the glyph that is drawn
        self._cell_code = 0
        self._picture = framebuf.FrameBuffer(self._cell, _COLUMNS, ROWS, framebuf.MONO_VLSB)

    def advance(self, code):
        """Return how many columns the code point takes."""
        at = code - _ASCII_FIRST
        if 0 <= at < _ASCII_COUNT:
            return self._ascii_widths[at]
        if code >= 0x2E80:  # ideographs, their punctuation, full-width forms
            return _COLUMNS
        self._fetch(code)
        return self._cell[_ADVANCE_AT] >> 4

    def draw(self, target, code, x, y, palette):
        """Draw the code point with its cell's upper left corner at x, y; return its advance.

        target: FrameBuffer. palette: FrameBuffer of two pixels, the colours of paper and ink.
        Only the ink is drawn: the paper is there already.
        """
        self._fetch(code)
        target.blit(self._picture, x, y, palette.pixel(0, 0), palette)
        return self._cell[_ADVANCE_AT] >> 4

    def _fetch(self, code):
        # Bring the glyph into the cell: from the cache, or from the file into both.
        if code == self._cell_code:
            return
        codes = self._codes
        ages = self._ages
        first = (code & (_SETS - 1)) * _WAYS
        oldest = first
        found = -1
        for slot in range(first, first + _WAYS):
            if codes[2 * slot] | codes[2 * slot + 1] << 8 == code:
                found = slot
            if ages[slot] < _AGE_MAX:
                ages[slot] += 1
            if ages[slot] > ages[oldest]:
                oldest = slot
        cell = self._cell
        kept = self._kept
        slot = oldest if found < 0 else found
        base = slot * _GLYPH_LEN
        ages[slot] = 0
        self._cell_code = code
        if found >= 0:
            for at in range(_GLYPH_LEN):
                cell[at] = kept[base + at]
            return
        self._load(code)
        for at in range(_GLYPH_LEN):
            kept[base + at] = cell[at]
        codes[2 * slot] = code & 0xFF
        codes[2 * slot + 1] = code >> 8 & 0xFF

    def _load(self, code):
        at = self._index(code)
        if at >= 0:
            self._file.seek(self._glyphs_at + at * _GLYPH_LEN)
            if self._file.readinto(self._cell) == _GLYPH_LEN:
                return
        for at in range(_GLYPH_LEN):
            self._cell[at] = _BOX[at]

    def _index(self, code):
        # The glyph's place in the file, or -1: the block from the list in RAM, then one read.
        firsts = self._firsts
        low = 0
        high = len(firsts) // 2
        while low < high:
            middle = (low + high) // 2
            if firsts[2 * middle] | firsts[2 * middle + 1] << 8 <= code:
                low = middle + 1
            else:
                high = middle
        if low == 0:
            return -1
        base = (low - 1) * _BLOCK
        block = self._block
        self._file.seek(self._codes_at + base * 2)
        self._file.readinto(block)
        low = 0
        high = min(_BLOCK, self._count - base)
        while low < high:
            middle = (low + high) // 2
            here = block[2 * middle] | block[2 * middle + 1] << 8
            if here == code:
                return base + middle
            if here < code:
                low = middle + 1
            else:
                high = middle
        return -1
