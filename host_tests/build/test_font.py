"""The font file: what it holds, and that nothing of a glyph is lost on the way."""

import pytest
from PIL import Image, ImageDraw, ImageFont

from firmware.ui.font import Font
from tools.build import font, texts

FONTS = sorted(font.FONT.parent.iterdir())
HELD = {".pcf": 7906, ".woff": 7284}  # of the standard characters
ALIKE = {".pcf": set(), ".woff": {"毫"}}  # of those: what has the picture of another, 亳


@pytest.fixture(scope="module", params=FONTS, ids=lambda path: path.name)
def path(request):
    """Each font that there is: one of them on most machines."""
    return request.param


@pytest.fixture(scope="module")
def glyphs(path):
    words = [words for table in texts.read_all().values() for words in table.values()]
    return font.chosen(words, path)


def test_a_packed_font_reads_back(glyphs, tmp_path):
    path = tmp_path / "font.bin"
    path.write_bytes(font.pack(glyphs))
    assert font.load(path) == glyphs


def test_no_ink_is_lost_in_the_cells(glyphs, path):
    drawn = ImageFont.truetype(str(path), font.SIZE)
    for char, glyph in glyphs.items():
        large = Image.new("1", (40, 40))
        ImageDraw.Draw(large).text((12, 12), char, font=drawn, fill=1)
        drawn_ink = int.from_bytes(large.tobytes(), "big").bit_count()
        kept = sum(column.bit_count() for column in glyph.columns[: glyph.advance])
        assert kept == drawn_ink, char


def test_names_and_ascii_are_covered(glyphs):
    assert len(glyphs) > 6763 and {chr(code) for code in font.ASCII} <= glyphs.keys()
    assert set("张伟（个体工商户）·有限公司") - {"·"} <= glyphs.keys()


def test_every_standard_character_that_the_font_has_is_in_the_file(glyphs, path):
    standard = font.standard()
    assert len(standard) == 8105 and {"喆", "珺", "玥", "晞"} <= standard
    there = standard & font.encoded(path)
    assert len(there) == HELD[path.suffix] and there - ALIKE[path.suffix] <= glyphs.keys()


def _prefixes(word):
    return (word[:at] for at in range(1, len(word)))


def _number(drawn, code):
    """Return the columns that stand for a code point without a glyph."""
    drawn._number(code)
    upper, lower = drawn._cell[:12], drawn._cell[12:]
    return tuple(high | (low & 0x0F) << 8 for high, low in zip(upper, lower, strict=True))


def test_no_two_texts_look_the_same_on_a_line(glyphs, tmp_path):
    """The glyphs are a code that can be read in one way (Sardinas and Patterson), even where
    blank columns at the end can't be seen. So are they together with the numbers.
    """
    words = {glyph.columns[: glyph.advance]: char for char, glyph in glyphs.items()}
    assert len(words) == len(glyphs)
    numbered = [code for code in range(0, 0x10000, 7) if chr(code) not in glyphs]
    numbered += [*range(0x10000, 0x110000, 997), 0x110020, 0x11000A]
    (tmp_path / "font.bin").write_bytes(font.pack(glyphs))
    drawn = Font(tmp_path / "font.bin")
    for code in numbered:
        assert words.setdefault(_number(drawn, code), code) == code
    longer = {}
    for word in words:
        for start in _prefixes(word):
            longer.setdefault(start, []).append(word)
    left = {word[len(start) :] for start in words for word in longer.get(start, ())}
    seen = set()
    while left:
        rest = left.pop()
        assert rest not in words and any(rest), (words.get(rest), rest)
        seen.add(rest)
        more = {word[len(rest) :] for word in longer.get(rest, ())}
        more |= {rest[len(start) :] for start in _prefixes(rest) if start in words}
        left |= more - seen


def test_of_characters_that_look_the_same_one_is_in_the_file(path):
    one, other = {".pcf": "｀‘", ".woff": "毫亳"}[path.suffix]
    glyphs = font.chosen([one], path)
    assert one in glyphs and other not in glyphs  # the one of the terminal's own words
    for words in (other + one, "\u3000", "丨"):  # the last is a bar behind a space
        with pytest.raises(font.FontError, match="looks like"):
            font.chosen([words], path)


def test_the_brackets_of_a_companys_name_are_seen_and_are_not_those_of_ascii(glyphs):
    for full, plain in ("（(", "）)"):
        ink = font._trimmed(glyphs[full].columns)
        assert ink != font._trimmed(glyphs[plain].columns)
        assert any(ink) and glyphs[full].advance == font.COLUMNS


def test_ideographs_are_twelve_columns_wide(glyphs):
    wide = {char for char in glyphs if ord(char) >= 0x2E80}
    assert {glyphs[char].advance for char in wide} == {12}


def test_a_character_without_glyph_stops_the_build(tmp_path):
    with pytest.raises(font.FontError, match="😀"):
        font.build(["a😀"], tmp_path / "font.bin")
    assert not (tmp_path / "font.bin").exists()


def test_another_file_is_not_taken_for_a_font(tmp_path):
    path = tmp_path / "font.bin"
    path.write_bytes(b"RT\x01\x0c\x00\x00")
    with pytest.raises(font.FontError):
        font.load(path)
