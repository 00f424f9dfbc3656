"""Glyphs of the 12-row font, read one by one from the font file.

The file, little-endian, made by tools.build.font:

    "RF" version(1) rows(1) glyphs(2) | width of each of U+0020-U+007E (95)
    | first code point of each block (2 each) | code points, ascending (2 each) | glyphs (24 each)

A block is 64 code points. A glyph is 12 columns of MONO_VLSB: 12 bytes with rows 0-7, then 12
bytes with rows 8-11 in their low halves; the high half of byte 12 is the glyph's advance in
columns.

What always holds: RAM use is fixed at construction; a glyph that was drawn lately costs no file
access and no allocation. A code point that the file lacks, or whose glyph can't be read, is drawn
as its own number in hexadecimal: no two code points look the same. May import framebuf only.
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
_UNICODE_END = const(0x110000)  # what lies above stands for a blank that has to be seen
# Hexadecimal digits of 3x5 pixels, a bit each, row by row, the upper left one lowest.
_HEX = (
    b"\x6f\x7b\x9a\x74\xe7\x73\xa7\x79\xed\x49\xcf\x79\xcf\x7b\x27\x25"
    b"\xef\x7b\xef\x79\xea\x5b\xeb\x3a\x4e\x62\x6b\x3b\xcf\x72\xcf\x12"
)


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
        if len(self._firsts) < blocks * 2:
            raise OSError("font")
        self._codes_at = _HEADER_LEN + _ASCII_COUNT + blocks * 2
        self._glyphs_at = self._codes_at + self._count * 2
        self._block = bytearray(_BLOCK * 2)
        self._codes = bytearray(b"\xff" * (_SLOTS * 3))  # 0xFFFFFF: no code point
        self._ages = bytearray(_SLOTS)
        self._kept = bytearray(_SLOTS * _GLYPH_LEN)
        self._cell = bytearray(_GLYPH_LEN)  # the glyph that is drawn
        self._cell_code = -1
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
            at = slot * 3
            if codes[at] | codes[at + 1] << 8 | codes[at + 2] << 16 == code:
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
        slot *= 3
        codes[slot] = code & 0xFF
        codes[slot + 1] = code >> 8 & 0xFF
        codes[slot + 2] = code >> 16

    def _load(self, code):
        try:
            at = self._index(code)
            if at >= 0:
                self._file.seek(self._glyphs_at + at * _GLYPH_LEN)
                if self._file.readinto(self._cell) == _GLYPH_LEN:
                    return
        except OSError:
            pass  # the number is read as well, and the page stands
        self._number(code)

    def _number(self, code):
        # Four digits between two bars, beyond 0xFFFF six without; two rows of them.
        picture = self._picture
        picture.fill(0)
        digits = 6
        if not 0xFFFF < code < _UNICODE_END:
            digits = 4
            picture.vline(0, 0, ROWS, 1)
            picture.vline(10, 0, ROWS, 1)
        row = digits // 2
        for place in range(digits):
            digit = code >> 4 * (digits - 1 - place) & 15
            bits = _HEX[2 * digit] | _HEX[2 * digit + 1] << 8
            x = place % row * 4 + 6 - digits
            for dot in range(15):
                picture.pixel(x + dot % 3, place // row * 6 + dot // 3, bits >> dot & 1)
        self._cell[_ADVANCE_AT] |= _COLUMNS << 4

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
        low = 0
        high = min(_BLOCK, self._count - base, self._file.readinto(block) // 2)
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
