"""What is drawn is what is read: any characters, both polarities, anywhere on the panel."""

import time

import framebuf
from hypothesis import given
from hypothesis import strategies as st

from firmware.ui import canvas as paint
from host_tests.ui.stage import Stage, reader
from tools.build import font, texts

_WORDS = [words for table in texts.read_all().values() for words in table.values()]
_COMMON = sorted(font.characters(_WORDS) - {" "})
_NAMES = sorted(char for char in font.chosen(_WORDS) if "\u4e00" <= char <= "\u9fff")
_NAMES += "（）·—《》"

common_text = st.text(st.sampled_from([*_COMMON, " "]), min_size=1, max_size=20)
name_text = st.text(st.sampled_from(_NAMES), min_size=1, max_size=10)


def pictures(text):
    """Return what each character looks like, wherever it stands in its cell."""
    return [_inked(_glyphs()[char].columns) for char in squeezed(text)]


def _inked(columns):
    data = b"".join(column.to_bytes(2, "little") for column in columns)
    while data[:2] == b"\0\0":
        data = data[2:]
    while data[-2:] == b"\0\0":
        data = data[:-2]
    return data


def squeezed(text):
    return "".join(text.split())


def _glyphs(cache={}):  # noqa: B006 - meant to be kept
    if not cache:
        cache.update(font.rasterise(set(_COMMON) | set(_NAMES)))
    return cache


def fitting(stage, text, room=paint.TEXT_WIDTH):
    """Return as much of `text` as one line takes."""
    while stage.canvas.width(text) > room:
        text = text[:-1]
    return text.strip()


@given(st.lists(common_text, min_size=4, max_size=4), st.integers(-1, 3))
def test_lines_of_the_terminals_own_characters_are_read_back(lines, chosen):
    stage = Stage()
    drawn = [fitting(stage, line) for line in lines]
    stage.canvas.clear()
    for row, line in enumerate(drawn):
        stage.canvas.line(row, line, row == chosen)
    read = stage.lines
    assert [squeezed(line) for line in read] == [squeezed(line) for line in drawn if line]


@given(name_text, st.booleans())
def test_names_are_read_back_up_to_look_alikes(name, inverted):
    stage = Stage()
    stage.canvas.clear()
    stage.canvas.line(1, name, inverted)
    (read,) = stage.lines
    assert pictures(read) == pictures(name)


@given(common_text, st.integers(0, 52), st.integers(0, 20), st.booleans())
def test_a_line_is_found_wherever_it_stands(text, y, x, inverted):
    stage = Stage()
    text = fitting(stage, text, 100)
    if not text:
        return
    cell = framebuf.FrameBuffer(bytearray(256), 128, 12, framebuf.MONO_VLSB)
    stage.canvas.clear()
    stage.canvas.line(0, text, inverted, x)
    for row in range(12):
        for column in range(128):
            cell.pixel(column, row, stage.panel.pixel(column, 13 + row))
    stage.canvas.clear()
    stage.panel.blit(cell, 0, y)
    lit = stage.lines
    assert _same_picture(lit, text)


def _same_picture(lines, text):
    # A line of its own may hold nothing but a dash, which at another height is another dash.
    if len(lines) == 1 and squeezed(lines[0]) == squeezed(text):
        return True
    ink = {y for char in squeezed(text) for c in _glyphs()[char].columns for y in _rows(c)}
    return len(ink) < 9 and len(lines) <= 1


def _rows(column):
    return [y for y in range(12) if column >> y & 1]


def test_the_title_is_read_with_its_counter(stage):
    stage.canvas.clear()
    stage.canvas.title("变更绑定账户", "3/19")
    assert stage.lines == ["变更绑定账户 3/19"]


def test_bars_and_marks_are_no_text(stage):
    stage.pages.busy("change.title", "正在提交申请", 2, 4)
    assert stage.lines == ["变更绑定账户 2/4", "正在提交申请", "请稍候"]
    stage.canvas.clear()
    stage.canvas.bar(1, 3, 7)
    assert stage.lines == []


def test_an_empty_panel_says_nothing(stage):
    stage.canvas.clear()
    assert stage.lines == []
    stage.panel.fill(1)
    assert stage.lines == []


def test_what_is_half_covered_is_unknown_and_the_rest_is_read(stage):
    stage.canvas.clear()
    stage.canvas.line(1, "账户管理")
    stage.panel.fill_rect(12, 26, 6, 12, 0)  # half of the second character
    (line,) = stage.lines
    assert line[0] == "账" and line.endswith("管理") and "户" not in line


def test_digits_and_letters_that_look_alike_are_told_apart(stage):
    stage.canvas.clear()
    stage.canvas.line(0, "0O1lI 一— 8B 5S 2Z")
    assert squeezed(stage.lines[0]) == "0O1lI一—8B5S2Z"


def test_reading_a_changed_panel_is_quick(stage):
    stage.pages.show("change.title", stage.text("prepare.body"), "ui.back", "ui.ok")
    first = bytes(stage.panel.buffer)
    reader().read(first)
    stage.canvas.line(1, "请勿拆机，联系收", True)
    started = time.perf_counter()
    reader().read(bytes(stage.panel.buffer))
    assert time.perf_counter() - started < 0.05  # typically 2-3 ms; CI machines are slower


def test_what_is_cut_off_at_the_panels_edge_is_read_as_no_more_than_it_is():
    for char in _COMMON:
        inked = _inked(_glyphs()[char].columns)
        for width in range(4, len(inked) + 1, 2):
            pixels = bytearray(1024)
            pixels[128 - width // 2 : 128] = inked[:width:2]
            pixels[256 - width // 2 : 256] = inked[1:width:2]
            assert sum(map(len, reader().read(bytes(pixels)))) <= width // 2
