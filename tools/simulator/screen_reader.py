"""Reads the panel as a person does: text from pixels, by matching the glyphs of the font file.

Nothing is known of the page but that its text is written in cells of 12 rows, light on dark or
dark on light. For every height at which a line could stand, the cheapest way to explain its
columns by glyphs, gaps, bars and what is unreadable is found; then the lines that explain most
ink are kept. What always holds: a character that was drawn whole is read, or else one with the
very same picture; the number of one without a glyph is read as `⟨U+1F600⟩`; what cannot be read is
`?`, bars and marks are nothing. Imports tools.build.
"""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from tools.build import font, texts
from tools.toolchain import HOME

WIDTH = 128
HEIGHT = 64
_ROWS = font.ROWS
_PITCH = 13  # of the firmware's canvas: only settles ties between heights
_FULL = (1 << _ROWS) - 1
_MARKS = 4  # pixels of a row that may belong to a scroll mark
_FONT_FILE = HOME.parent / "build" / "device" / "assets" / "font.bin"

_COMMON = 1.0  # cost of a character that the terminal's words use, or of ASCII
_RARE = 1.4
_WRAP = 0.3  # more for a change between light on dark and dark on light
_BAR = 0.6  # per column that is the same as its neighbour and no glyph
_UNREADABLE = 3.0  # per column
_NEVER = float("inf")
_DARK = b"\x00\x00"
_LIT = b"\xff\x0f"
_NUMBER = 11  # columns of a character's number, painted where there is no glyph
_HEX_ROWS = (
    "### .#. ### ### #.# ### ### ### ### ### .#. ##. .## ##. ### ###",
    "#.# ##. ..# ..# #.# #.. #.. ..# #.# #.# #.# #.# #.. #.# #.. #..",
    "#.# .#. ### .## ### ### ### ..# ### ### ### ##. #.. #.# ##. ##.",
    "#.# .#. #.. ..# ..# ..# #.# .#. #.# ..# #.# #.# #.. #.# #.. #..",
    "### ### ### ### ..# ### ### .#. ### ### #.# ##. .## ##. ### #..",
)
_HEX = {  # the three columns of a digit, the top row lowest
    tuple(
        sum((row[4 * digit + x] == "#") << y for y, row in enumerate(_HEX_ROWS)) for x in range(3)
    ): f"{digit:X}"
    for digit in range(16)
}
_UNKNOWN = "\0"  # until the line is done: "?" is a character too
_NOTHING = ""


class Line(NamedTuple):
    """What was read at one height, and how well: `ink` pixels belong to characters."""

    text: str
    ink: int
    lost: int


class Reader:
    """A reader for one font.

    glyphs: as tools.build.font.load gives them. common: characters preferred among look-alikes.
    """

    def __init__(self, glyphs: dict[str, font.Glyph], common: Iterable[str]):
        common = set(common) | {chr(code) for code in font.ASCII}
        self._glyphs: dict[bytes, tuple[str, float, int, int]] = {}
        widths: dict[bytes, set[int]] = {}
        for char, glyph in glyphs.items():
            columns = glyph.columns[: glyph.advance]
            ink = sum(column.bit_count() for column in columns)
            if not ink:
                continue
            cost = _COMMON if char in common else _RARE
            for polarity, mask in enumerate((0, _FULL)):
                key = b"".join((column ^ mask).to_bytes(2, "little") for column in columns)
                known = self._glyphs.get(key)
                if known is None or (cost, char) < (known[1], known[0]):
                    self._glyphs[key] = (char, cost, ink, polarity)
                widths.setdefault(key[:4], set()).add(len(key))
        self._widths = {start: sorted(found) for start, found in widths.items()}
        self._band = lru_cache(maxsize=4096)(self._read_band)

    def read(self, pixels: bytes) -> list[str]:
        """Return the lines of text on a panel of 128x64 (MONO_VLSB), from the top."""
        columns = _columns(pixels)
        rows = _row_weights(columns)
        best: list[tuple[float, tuple]] = [(0.0, ())]
        # best[y]: the most that rows 0..y-1 give, and the lines that give it.
        for end in range(1, HEIGHT + 1):
            score, lines = best[end - 1]
            top = end - _ROWS
            if top >= 0 and _stands_free(rows, top):
                band = b"".join(
                    [((column >> top) & _FULL).to_bytes(2, "little") for column in columns]
                )
                line = self._band(band)
                worth = line.ink - 2 * line.lost + (0.5 if top % _PITCH == 0 else 0)
                if line.text and best[top][0] + worth > score:
                    score, lines = best[top][0] + worth, (*best[top][1], line.text)
            best.append((score, lines))
        return list(best[HEIGHT][1])

    def _read_band(self, band: bytes) -> Line:
        # The cheapest way through the columns, for each polarity in which it may arrive at one.
        length = len(band)
        if band == bytes(length):
            return Line("", 0, 0)
        pairs = [band[at : at + 2] for at in range(0, length, 2)]
        blanks = (_DARK, _LIT)
        polarities = [polarity for polarity in (0, 1) if blanks[polarity] in pairs] or [0]
        costs = [[_NEVER, _NEVER] for _ in range(length + 1)]
        steps: list[list] = [[None, None] for _ in range(length + 1)]
        costs[0] = [0.0, 0.0]
        for at in range(0, length, 2):
            column = pairs[at >> 1]
            here = costs[at]
            offers = []
            if column not in blanks:
                same = column in (band[at - 2 : at], band[at + 2 : at + 4])
                price, kind = (_BAR, _NOTHING) if same else (_UNREADABLE, _UNKNOWN)
                offers = [(at + 2, polarity, price, kind, 0) for polarity in polarities]
            elif column == _DARK:
                offers.append((at + 2, 0, 0.0, " ", 0))
            else:
                offers.append((at + 2, 1, 0.0, " ", 0))
            for width in self._widths.get(band[at : at + 4], ()):
                found = self._glyphs.get(band[at : at + width])
                fits = at + width <= length
                if fits and found is not None and found[3] in polarities:
                    offers.append((at + width, found[3], found[1], found[0], found[2]))
            for polarity in polarities:
                number = _number(pairs[at >> 1 : (at >> 1) + _NUMBER], polarity)
                if number:
                    ink = sum(pair[0].bit_count() + pair[1].bit_count() for pair in number[1])
                    offers.append((at + 2 * _NUMBER, polarity, _RARE, number[0], ink))
            for to, new, price, what, ink in offers:
                old = (
                    0 if here[0] + (_WRAP if new else 0) <= here[1] + (0 if new else _WRAP) else 1
                )
                cost = here[old] + price + (_WRAP if old != new else 0)
                if cost < costs[to][new]:
                    costs[to][new] = cost
                    steps[to][new] = (at, old, what, ink)
        return self._trace(costs, steps, length)

    @staticmethod
    def _trace(costs, steps, length) -> Line:
        parts = []
        ink = lost = 0
        at, polarity = length, min((0, 1), key=lambda p: costs[length][p])
        while at:
            before, old, what, pixels = steps[at][polarity]
            parts.append((what, at - before))
            ink += pixels
            lost += (at - before) // 2 if what in (_UNKNOWN, _NOTHING) and not pixels else 0
            at, polarity = before, old
        return Line(_spaced(reversed(parts)), ink, lost)


def _number(pairs, polarity):
    """Return (words, columns) of the hexadecimal number in a cell, as firmware/ui/font.py paints
    it for a character without a glyph; None when there is none.
    """
    outer = _LIT if polarity == 0 else _DARK
    blank = _DARK if polarity == 0 else _LIT
    if len(pairs) < _NUMBER:
        return None
    if pairs[0] == pairs[10] == outer:  # four digits between two bars
        if (pairs[1], pairs[5], pairs[9]) != (blank,) * 3:
            return None
        starts = (2, 6)
    elif (pairs[3], pairs[7]) == (blank,) * 2 and pairs[0] != blank:
        starts = (0, 4, 8)
    else:
        return None
    mask = 0 if polarity == 0 else _FULL
    columns = [int.from_bytes(pair, "little") ^ mask for pair in pairs]
    digits = ""
    for shift in (0, 6):
        for start in starts:
            digit = tuple(columns[at] >> shift & 0x3F for at in range(start, start + 3))
            if digit not in _HEX:
                return None
            digits += _HEX[digit]
    if len(starts) == 3 and not 0xFFFF < int(digits, 16) < 0x110000:
        return None
    if len(starts) == 3:
        digits = digits.removeprefix("0")
    return f"⟨U+{digits}⟩", [column.to_bytes(2, "little") for column in columns]


def _spaced(parts) -> str:
    # Columns to words: a gap of a space or more is one space, unreadable columns are one `?`.
    out = []
    gap = 0
    for what, width in parts:
        if what in (" ", _NOTHING) and width == 2:
            gap += 1
            continue
        if gap >= font.SPACE and out:
            out.append(" ")
        if what != _UNKNOWN or width != 2 or gap or not out or out[-1] != _UNKNOWN:
            out.append(what)
        gap = 0
    text = "".join(out)
    return text.replace(_UNKNOWN, "?") if text.strip(_UNKNOWN + " ") else ""


def _columns(pixels: bytes) -> list[int]:
    # One int of 64 bits for each column, the top row lowest.
    if len(pixels) != WIDTH * HEIGHT // 8:
        raise ValueError("a panel has 1024 bytes of pixels")
    return [int.from_bytes(pixels[x::WIDTH], "little") for x in range(WIDTH)]


def _row_weights(columns: list[int]) -> list[int]:
    # How many pixels are lit in each row.
    return [sum(column >> y & 1 for column in columns) for y in range(HEIGHT)]


def _stands_free(rows: list[int], top: int) -> bool:
    # A line of text has ink, and an empty row, but for marks at the edge, above and below it.
    above = top == 0 or rows[top - 1] <= _MARKS
    below = top + _ROWS == HEIGHT or rows[top + _ROWS] <= _MARKS
    return above and below and any(rows[top : top + _ROWS])


@lru_cache(maxsize=1)
def default_reader(path: Path = _FONT_FILE) -> Reader:
    """Return the reader for the device's font file; without one, for the font it is made from."""
    words = [words for table in texts.read_all().values() for words in table.values()]
    glyphs = font.load(path) if path.exists() else font.chosen(words)
    return Reader(glyphs, "".join(words))


def read(pixels: bytes) -> list[str]:
    """Return the lines of text on the panel, from the top; an empty list when there are none."""
    return default_reader().read(bytes(pixels))
