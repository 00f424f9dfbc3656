"""The font file of the terminal: glyphs of a 12-pixel font, PCF or WOFF, for the characters that
are needed.

Written here, read by firmware/ui/font.py (whose docstring gives the format) and by `load`. What
always holds: every glyph fits its cell of 12 rows; a character of the terminal's own words without
a glyph stops the build; no two glyphs of a file look the same, and none but the space is blank
(the terminal paints the number of what is left out).
"""

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from tools.toolchain import HOME, fonts

STANDARD = Path(__file__).with_name("standard_characters.txt")
FONT = fonts.path(HOME)
SIZE = 12
ROWS = 12
COLUMNS = 12
ABOVE = 10  # rows of the cell above the baseline, in either font
SPACE = 4  # a font's own space of 6 columns is wide for a line of 128
BLOCK = 64
ASCII = range(0x20, 0x7F)

_HEADER = struct.Struct("<2sBBH")
_PCF_ENCODINGS = 32
_FULL_WIDTH = 0xFEE0  # from an ASCII sign to its twin


class FontError(Exception):
    """The font cannot give what is asked of it."""


class Glyph(NamedTuple):
    """A glyph: how many columns it takes, and 12 columns of 12 bits, the top row lowest."""

    advance: int
    columns: tuple[int, ...]


def gb2312() -> set[str]:
    """Return the ideographs and the punctuation of GB 2312: what names are written with."""
    rows = (0xA1, 0xA3, *range(0xB0, 0xF8))
    codes = (bytes((row, cell)) for row in rows for cell in range(0xA1, 0xFF))
    # Decoded by its successor, which has the dash and the middle dot where keyboards have them.
    found = {code.decode("gb18030", "ignore") for code in codes}
    return {
        char for char in found if not "\ue000" <= char <= "\uf8ff"
    }  # cells without a character


def standard() -> set[str]:
    """Return the 8,105 characters of the Table of General Standard Chinese Characters: what names
    are registered in.
    """
    lines = STANDARD.read_text("utf-8").splitlines()
    return set("".join(line for line in lines if not line.startswith("#")))


def characters(words: Iterable[str]) -> set[str]:
    """Return the characters that the terminal must be able to show: ASCII and those of `words`."""
    return {chr(code) for code in ASCII} | set("".join(words)) - {"\n"}


def encoded(path: Path) -> set[str]:
    """Return the characters of 16 bits that a font has glyphs for: the file holds no others."""
    if path.suffix == ".pcf":
        return _encoded(path.read_bytes())
    from fontTools.ttLib import TTFont  # takes a moment, and a PCF font does without

    with TTFont(path) as font:
        return {chr(code) for code in font.getBestCmap() if code <= 0xFFFF}


def _encoded(pcf: bytes) -> set[str]:
    # From the encodings table.
    (tables,) = struct.unpack_from("<I", pcf, 4)
    for index in range(tables):
        kind, _, _, offset = struct.unpack_from("<4I", pcf, 8 + 16 * index)
        if kind == _PCF_ENCODINGS:
            (form,) = struct.unpack_from("<I", pcf, offset)
            order = ">" if form & 4 else "<"
            low2, high2, low1, high1, _ = struct.unpack_from(order + "5H", pcf, offset + 4)
            width = high2 - low2 + 1
            places = struct.unpack_from(f"{order}{width * (high1 - low1 + 1)}H", pcf, offset + 14)
            return {
                chr((low1 + at // width) << 8 | low2 + at % width)
                for at, place in enumerate(places)
                if place != 0xFFFF
            }
    raise FontError("the PCF file has no encodings table")


def rasterise(wanted: Iterable[str], path: Path = FONT) -> dict[str, Glyph]:
    """Return the glyphs of `wanted`; raises FontError naming the characters that are missing."""
    font = ImageFont.truetype(str(path), SIZE)
    wanted = sorted(wanted)
    missing = set(wanted) - encoded(path)
    if missing:
        raise FontError(f"no glyph for: {''.join(sorted(missing))}")
    return {char: _rasterise(font, char) for char in wanted}


def _rasterise(font, char):
    advance = SPACE if char == " " else int(font.getlength(char))
    cell = font.getmetrics()[0] - ABOVE  # the row of the font's box where the cell begins
    picture = Image.new("1", (COLUMNS, ROWS + 2 * cell))
    ImageDraw.Draw(picture).text((0, 0), char, font=font, fill=1)
    ink = picture.getbbox()
    # A few signs begin or end one row outside of the cell: they are moved into it.
    top = cell if ink is None else min(max(cell, ink[3] - ROWS), ink[1])
    if ink is not None and (ink[3] > top + ROWS or ink[2] > advance or advance > COLUMNS):
        raise FontError(f"the glyph of {char!r} does not fit its cell")
    columns = tuple(
        sum((picture.getpixel((x, top + y)) != 0) << y for y in range(ROWS))
        for x in range(COLUMNS)
    )
    return Glyph(advance, columns)


def chosen(words: Iterable[str], path: Path = FONT) -> dict[str, Glyph]:
    """Return the glyphs of the device's font: for `words`, ASCII, GB 2312 and the standard
    characters, as far as the font has those. Of characters that look the same, or the same but for
    a space before them, one is left: of the words and ASCII before others, then the first;
    what looks like several others in a row is left out. A
    full-width twin of an ASCII sign (a bracket of a company's name) is moved in its cell instead.
    """
    needed = characters(words)
    glyphs = rasterise(needed | (gb2312() | standard()) & encoded(path), path)
    seen = {}
    for char in sorted(glyphs, key=lambda char: (char not in needed, char)):
        ink = _trimmed(glyphs[char].columns)
        if "！" <= char <= "～" and seen.get(ink) == chr(ord(char) - _FULL_WIDTH):
            ink = _moved(ink, seen)
            glyphs[char] = Glyph(COLUMNS, ink + (0,) * (COLUMNS - len(ink)))
        if (not ink and char != " ") or ink in seen:
            if char in needed:
                raise FontError(f"{char!r} looks like {seen.get(ink, ' ')!r}")
            del glyphs[char]
            continue
        seen[ink] = char
        seen[(0,) * SPACE + ink] = f" {char}"
    cells = {glyph.columns[: glyph.advance]: char for char, glyph in glyphs.items()}
    for cell, char in cells.items():
        if char not in needed and _is_row(cell, cells):
            del glyphs[char]
    return glyphs


def _is_row(cell, cells):
    """Tell whether a picture is that of several glyphs, one beside the other (℃ of ° and C)."""
    return any(
        cell[:at] in cells and (cell[at:] in cells or _is_row(cell[at:], cells))
        for at in range(1, len(cell))
    )


def _moved(ink, seen):
    # To the right, so that it is seen, and stands in the middle: 2 columns at least.
    for blank in range(2, COLUMNS - len(ink) + 1):
        if (0,) * blank + ink not in seen:
            return (0,) * blank + ink
    return ink


def _trimmed(columns):
    # Without the blank columns behind it: at the end of a line they can't be seen.
    while columns and not columns[-1]:
        columns = columns[:-1]
    return columns


def pack(glyphs: dict[str, Glyph]) -> bytes:
    """Return the font file that holds `glyphs`; printable ASCII must be among them."""
    codes = sorted(ord(char) for char in glyphs)
    parts = [
        _HEADER.pack(b"RF", 1, ROWS, len(codes)),
        bytes(glyphs[chr(code)].advance for code in ASCII),
        struct.pack(f"<{len(codes[::BLOCK])}H", *codes[::BLOCK]),
        struct.pack(f"<{len(codes)}H", *codes),
    ]
    for code in codes:
        glyph = glyphs[chr(code)]
        upper = bytes(column & 0xFF for column in glyph.columns)
        lower = bytearray(column >> 8 for column in glyph.columns)
        lower[0] |= glyph.advance << 4
        parts += (upper, lower)
    return b"".join(parts)


def load(path: Path) -> dict[str, Glyph]:
    """Return the glyphs of a font file: the inverse of `pack`."""
    data = path.read_bytes()
    magic, version, rows, count = _HEADER.unpack_from(data)
    if (magic, version, rows) != (b"RF", 1, ROWS):
        raise FontError(f"{path} is no font file of this version")
    at = _HEADER.size + len(ASCII) + 2 * -(-count // BLOCK)
    codes = struct.unpack_from(f"<{count}H", data, at)
    at += 2 * count
    glyphs = {}
    for code in codes:
        upper, lower = data[at : at + COLUMNS], data[at + COLUMNS : at + 2 * COLUMNS]
        columns = tuple(high | (low & 0x0F) << 8 for high, low in zip(upper, lower, strict=True))
        glyphs[chr(code)] = Glyph(lower[0] >> 4, columns)
        at += 2 * COLUMNS
    return glyphs


def build(words: Iterable[str], out: Path, path: Path = FONT) -> int:
    """Write the font file for `words` and for names to `out`; return how many glyphs it holds."""
    glyphs = chosen(words, path)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(pack(glyphs))
    return len(glyphs)
