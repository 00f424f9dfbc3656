"""The font file: what it holds, and that nothing of a glyph is lost on the way."""

import pytest
from PIL import Image, ImageDraw, ImageFont

from tools.build import font, texts


@pytest.fixture(scope="module")
def glyphs():
    words = [words for table in texts.read_all().values() for words in table.values()]
    names = font.gb2312() & font.encoded(font.PCF.read_bytes())
    return font.rasterise(font.characters(words) | names)


def test_a_packed_font_reads_back(glyphs, tmp_path):
    path = tmp_path / "font.bin"
    path.write_bytes(font.pack(glyphs))
    assert font.load(path) == glyphs


def test_no_ink_is_lost_in_the_cells(glyphs):
    drawn = ImageFont.truetype(str(font.PCF), font.SIZE)
    for char, glyph in glyphs.items():
        large = Image.new("1", (40, 40))
        ImageDraw.Draw(large).text((12, 12), char, font=drawn, fill=1)
        drawn_ink = int.from_bytes(large.tobytes(), "big").bit_count()
        kept = sum(column.bit_count() for column in glyph.columns[: glyph.advance])
        assert kept == drawn_ink, char


def test_names_and_ascii_are_covered(glyphs):
    assert len(glyphs) > 6763 and {chr(code) for code in font.ASCII} <= glyphs.keys()
    assert set("张伟（个体工商户）·有限公司") - {"·"} <= glyphs.keys()


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
