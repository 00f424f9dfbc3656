"""The canvas: cutting text into lines, keeping within the panel, glyphs from the file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.ui import canvas as paint
from firmware.ui.font import Font
from firmware.ui.text import Text
from host_tests.ui.stage import Stage, assets
from tools.build import font, texts

_CLOSING = "，。、；：？！）》」』】”’…%,.;:?!)]}"
any_text = st.text(st.sampled_from("账户变更abc WiMl，。（）(x)\n12 "), max_size=60)

_CODE_CHARS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz "


@given(any_text, st.integers(24, 122))
def test_wrapping_keeps_every_byte_and_fits(text, room):
    stage = Stage()
    ends = []
    data = stage.canvas.wrap(text, ends, room)
    assert data == text.encode() and ends[-1] == len(data) and ends == sorted(ends)
    start = 0
    for end in ends:
        line = data[start:end].decode()  # no character is cut in two
        assert stage.canvas.width(line.rstrip()) <= room
        assert "\n" not in line[:-1]
        start = end


def test_chinese_parts_anywhere_but_before_closing_punctuation(stage):
    ends = []
    data = stage.canvas.wrap("请勿泄露账户资料和密码。变更", ends)
    assert data[: ends[0]].decode() == "请勿泄露账户资料和密"
    data = stage.canvas.wrap("请勿泄露账户资料密码。变更（甲）", ends)
    assert data[: ends[0]].decode() == "请勿泄露账户资料密"
    assert data[ends[0] : ends[1]].decode() == "码。变更（甲）"


def test_latin_parts_at_spaces_and_a_long_word_anywhere(stage):
    ends = []
    data = stage.canvas.wrap("Call the acquirer and ask " + "x" * 40, ends)
    assert data[: ends[0]] == b"Call the acquirer and "
    assert len(ends) == 4


@given(st.lists(st.text(max_size=40), min_size=5, max_size=5), st.booleans())
def test_anything_can_be_painted(lines, inverted):
    stage = Stage()
    stage.canvas.clear()
    stage.canvas.title(lines[0], lines[1][:6])
    for row, line in enumerate(lines[1:]):
        stage.canvas.line(row, line, inverted)
    stage.canvas.hint(*lines[:3])


def test_rows_keep_clear_of_each_other_descenders_included(stage):
    stage.canvas.clear()
    for row in range(4):
        stage.canvas.line(row, "gjpqyQ_,;|()/中")
    stage.canvas.title("gjpqyQ_,;|()/中")
    for y in (12, 25, 38, 51):
        assert not any(stage.panel.pixel(x, y) for x in range(128))
    assert len(stage.lines) == 5


def test_what_is_too_long_ends_in_an_ellipsis(stage):
    stage.canvas.clear()
    stage.canvas.line(0, "杭州市西湖区甲乙丙丁戊己庚辛有限公司")
    assert stage.lines == ["杭州市西湖区甲乙丙…"]


def test_every_glyph_of_the_file_is_drawn_as_it_is(stage):
    drawn = {}
    glyphs = font.load(assets() / "font.bin")
    for char in sorted(glyphs)[::97] + [chr(code) for code in font.ASCII]:
        stage.canvas.clear()
        stage.canvas.line(0, char)
        columns = [sum(stage.panel.pixel(x, 13 + y) << y for y in range(12)) for x in range(12)]
        drawn[char] = tuple(columns)
        assert stage.canvas.width(char) == glyphs[char].advance
    assert drawn == {char: glyphs[char].columns for char in drawn}


@pytest.mark.parametrize(
    "char, shown",
    [
        ("\ue123", "⟨U+E123⟩"),
        ("\U00020000", "⟨U+20000⟩"),
        ("\U0010ffff", "⟨U+10FFFF⟩"),
        ("ж", "⟨U+0436⟩"),
        ("\0", "⟨U+0000⟩"),
        ("\u3000", "⟨U+3000⟩"),
        ("\xa0", "⟨U+00A0⟩"),
        ("\u200b", "⟨U+200B⟩"),
    ],
)
def test_a_character_without_a_glyph_is_painted_as_its_number(stage, char, shown):
    for inverted in (False, True):
        stage.canvas.clear()
        stage.canvas.line(0, f"陈{char}", inverted)
        assert stage.lines == [f"陈{shown}"]
        assert stage.canvas.width(char) == 12


def _faulty(font, monkeypatch, error):
    class File:
        def seek(self, at):
            pass

        def readinto(self, buf):
            if error:
                raise error
            return 3

    monkeypatch.setattr(font, "_file", File())


@pytest.mark.parametrize("error", [None, OSError(5)])
def test_a_glyph_that_cannot_be_read_is_painted_as_its_number(stage, monkeypatch, error):
    _faulty(stage.canvas.glyphs, monkeypatch, error)
    stage.canvas.line(1, "陈珺1")
    assert stage.lines == ["⟨U+9648⟩⟨U+73FA⟩⟨U+0031⟩"]


def test_a_font_file_that_is_cut_short_is_none(tmp_path):
    whole = (assets() / "font.bin").read_bytes()
    (tmp_path / "font.bin").write_bytes(whole[:150])
    with pytest.raises(OSError):
        Font(tmp_path / "font.bin")


def test_a_glyph_drawn_lately_is_not_read_again(stage):
    glyphs = Font(assets() / "font.bin")

    class Counted:
        def __init__(self, file):
            self.file, self.reads = file, 0

        def seek(self, at):
            self.file.seek(at)

        def readinto(self, buf):
            self.reads += 1
            return self.file.readinto(buf)

    canvas = paint.Canvas(stage.panel, glyphs)
    glyphs._file = Counted(glyphs._file)
    for _ in range(3):
        canvas.line(0, "变更绑定账户")
    assert glyphs._file.reads == 2 * 6  # for each: the block of code points, the glyph


def test_a_file_that_is_no_font_or_text_is_refused(tmp_path):
    wrong = tmp_path / "wrong.bin"
    wrong.write_bytes(b"RX\x01\x0c\x00\x00")
    with pytest.raises(OSError):
        Font(wrong)
    with pytest.raises(OSError):
        Text(wrong)


def test_every_text_is_found_and_an_unknown_one_shows_its_key(stage):
    for language, table in texts.read_all().items():
        stage.text.load(assets() / f"{language}.bin")
        assert stage.text.language == language
        assert {key: stage.text(key) for key in table} == table
        assert stage.text("no.such_text") == "?no.such_text"


def test_no_two_answers_are_taken_for_one_another_by_their_hash(stage):
    codes = [f"{a}{b}" for a in _CODE_CHARS for b in _CODE_CHARS]
    for code in set(codes) - {key[7:] for key in texts.read("zh")}:
        assert stage.text(f"answer.{code}") == f"?answer.{code}"


@pytest.mark.parametrize("fault", [OSError(5), b"", b"\xff" * 40])
def test_words_that_cannot_be_read_are_their_key(stage, monkeypatch, fault):
    class Broken:
        def seek(self, at):
            pass

        def readinto(self, buf):
            if isinstance(fault, OSError):
                raise fault
            buf[: len(fault)] = fault[: len(buf)]
            return min(len(fault), len(buf))

        def read(self, size):
            return fault

    monkeypatch.setattr(stage.text, "_file", Broken())
    assert stage.text("entry.exact", 8) == "?entry.exact"
    assert stage.play(stage.pages.message("change.title", "甲"), "D")[0] is True
