"""Drawing, words and fields on both interpreters; a glyph lately drawn allocates nothing."""

import asyncio
import os

import framebuf
import micropython

from firmware.ui.canvas import Canvas
from firmware.ui.font import Font
from firmware.ui.keys import BACK, SUBMIT
from firmware.ui.pages import Idle, Pages
from firmware.ui.text import Text, hashed

_LETTERS = "中国账户变更银行结算绑定商户终端收单机构主管操作员密码确"
_WORDS = {
    "entry.exact": "exactly %d",
    "entry.too_long": "at most %d",
    "entry.too_short": "at least %d",
    "field.account": "账户",
    "menu.title": "终端",
    "rule.4": "主管",
    "ui.accept": "D",
    "ui.back": "C",
    "ui.choose": "D",
    "ui.delete": "*",
    "ui.edit": "D",
    "ui.letters": "#",
    "ui.move": "AB",
    "ui.leaving": "!",
    "ui.next": "D",
    "ui.ok": "D",
    "ui.refuse": "C",
    "ui.submit": "D",
    "ui.submit_row": "确",
    "ui.swipe": "#",
    "ui.wait": "...",
}


def _font_file():
    # Every glyph is a pattern made from its code point: 12 columns wide, ASCII 6.
    codes = sorted(set(list(range(32, 127)) + [ord(char) for char in _LETTERS + "…"]))
    blocks = codes[::64]
    data = bytearray(b"RF\x01\x0c")
    for value in [len(codes)]:
        data += bytes((value & 255, value >> 8))
    data += bytes([6] * 95)
    for code in blocks + codes:
        data += bytes((code & 255, code >> 8))
    for code in codes:
        width = 6 if code < 127 else 12
        columns = [
            code * (column + 3) & 0xFFF if column < width - 1 else 0 for column in range(12)
        ]
        data += bytes([column & 255 for column in columns])
        lower = [column >> 8 for column in columns]
        lower[0] |= width << 4
        data += bytes(lower)
    return data


def _text_file(words):
    by_hash = sorted([(hashed(key), key) for key in words])
    entries = bytearray()
    body = bytearray()
    for value, key in by_hash + [(0xFFFFFF, None)]:
        entries += bytes((value & 255, value >> 8 & 255, value >> 16))
        entries += bytes((len(body) & 255, len(body) >> 8))
        if key:
            body += (key + "\n" + words[key]).encode()
    return b"RT\x02zh" + bytes((len(words), 0)) + entries + body


def _opened(kind, data):
    # The object made from a file that is gone again: both keep it open.
    name = "build/on_device_%s_%d.bin" % (kind.__name__, id(data) & 0xFFFFFF)
    try:
        os.mkdir("build")
    except OSError:
        pass  # it is there already
    with open(name, "wb") as file:
        file.write(data)
    try:
        return kind(name)
    finally:
        os.remove(name)


class _Panel(framebuf.FrameBuffer):
    def __init__(self):
        self.buffer = bytearray(1024)
        super().__init__(self.buffer, 128, 64, framebuf.MONO_VLSB)

    def flush(self):
        return 0


class _Keys:
    def __init__(self, codes):
        self._codes = list(codes)
        self._pressed = False  # each is, once somebody waits for it

    def get(self):
        if not self._pressed:
            return -1
        self._pressed = False
        return self._codes.pop(0)

    async def arrival(self, limit_ms):
        if not self._codes:
            await asyncio.sleep(limit_ms / 1000)
        self._pressed = bool(self._codes)


def _pages(codes=b"", idle_ms=1000):
    canvas = Canvas(_Panel(), _opened(Font, _font_file()))
    return Pages(canvas, _Keys(codes), _opened(Text, _text_file(_WORDS)), idle_ms)


def _raises(error, page):
    try:
        asyncio.run(page)
    except error:
        return True
    return False


def test_glyphs_land_in_their_cells():
    pages = _pages()
    pages.canvas.clear()
    pages.canvas.line(1, "中")
    panel = pages.canvas.panel
    for column in range(11):
        wanted = ord("中") * (column + 3) & 0xFFF
        drawn = 0
        for row in range(12):
            drawn |= panel.pixel(column, 26 + row) << row
        assert drawn == wanted


def test_inverted_is_the_opposite_of_normal():
    pages = _pages()
    panel = pages.canvas.panel
    pages.canvas.line(1, "中a户")
    normal = [panel.pixel(x, 26 + y) for x in range(30) for y in range(12)]
    pages.canvas.line(1, "中a户", True)
    assert [1 - panel.pixel(x, 26 + y) for x in range(30) for y in range(12)] == normal


def test_glyphs_in_the_cache_are_drawn_without_allocation():
    pages = _pages()
    canvas = pages.canvas
    line = "账户变更 12".encode()
    secret = bytearray(b"62220212345678901")
    canvas.line(1, line)
    canvas.cells(2, secret, 0, 17, 4, False)
    micropython.heap_lock()
    try:
        canvas.cells(2, secret, 0, 17, 4, False)
        canvas.piece(1, line, 0, 12)
    finally:
        micropython.heap_unlock()


def test_a_missing_glyph_is_a_box():
    pages = _pages()
    pages.canvas.clear()
    pages.canvas.line(0, "Ω")
    assert pages.canvas.panel.pixel(0, 14) and pages.canvas.panel.pixel(10, 23)


def test_texts_are_found_by_key():
    text = _opened(Text, _text_file(_WORDS))
    assert text.language == "zh"
    for key in _WORDS:
        assert text(key) == _WORDS[key]
    assert text("entry.exact", 8) == "exactly 8"


def test_a_key_is_not_found_by_its_hash_alone():
    text = _opened(Text, _text_file({"answer.00": "yes"}))
    assert hashed("answer.1Q") == hashed("answer.00")
    assert text("answer.1Q") == "?answer.1Q"
    assert text("answer.1Q", 8) == "?answer.1Q"
    assert text("no.such") == "?no.such"
    assert text("") == "?"


def test_lines_are_cut_where_they_may_be():
    canvas = _pages().canvas
    ends = []
    canvas.wrap("银行账户 call the acquirer", ends, 60)
    assert ends == [13, 22, 30]
    canvas.wrap("", ends)
    assert ends == [0]


def test_digits_are_typed_and_confirmed():
    pages = _pages(b"1234*5D")
    result = asyncio.run(pages.digits("menu.title", "field.account", 2, 8, secret=True))
    assert result == bytearray(b"1235")


def test_a_wrong_field_keeps_what_was_typed():
    pages = _pages(b"12D3D")
    tried = []

    def check(buf):
        tried.append(bytes(buf))
        return "rule.4" if len(tried) == 1 else None

    assert asyncio.run(pages.digits("menu.title", "field.account", 2, 20, check=check)) == b"123"
    assert tried == [b"12", b"123"]


def test_a_card_fills_a_field_in():
    pages = _pages()
    swipes = ["rule.4", bytearray(b"6222021234567890128")]

    async def card():
        if not swipes:
            await asyncio.sleep(0.3)
            pages._keypad._codes.append(0x44)
            await asyncio.sleep(10)
        await asyncio.sleep(0.01)
        return swipes.pop(0)

    result = asyncio.run(pages.digits("menu.title", "field.account", 8, 32, card=card))
    assert result == b"6222021234567890128"


def test_letters_and_digits_make_a_code():
    assert asyncio.run(_pages(b"2##5D").code("menu.title", "field.account", 2)) == b"B5"


def test_menus_and_reviews_return_what_was_chosen():
    assert asyncio.run(_pages(b"BBAD").menu("menu.title", ["中", "国", "账"])) == 1
    assert asyncio.run(_pages(b"3").menu("menu.title", ["中", "国", "账"])) == 2
    assert asyncio.run(_pages(b"C").menu("menu.title", ["中"])) == BACK
    rows = [("field.account", b"6222021234567890128"), ("menu.title", "12")]
    assert asyncio.run(_pages(b"BBD").review("menu.title", rows)) == SUBMIT
    assert asyncio.run(_pages(b"BD").review("menu.title", rows)) == 1


def test_messages_are_answered():
    assert asyncio.run(_pages(b"D").message("menu.title", "账户\n变更\n银\n行\n结")) is True
    assert asyncio.run(_pages(b"DD").notice("menu.title", "账户\n变更\n银\n行\n结")) is True
    assert asyncio.run(_pages(b"C").message("menu.title", "账户")) is False


def test_nobody_there_raises_idle():
    assert _raises(Idle, _pages(idle_ms=20).message("menu.title", "账户"))
    assert _raises(Idle, _pages(b"1", 20).digits("menu.title", "field.account", 2, 8, secret=True))


def test_work_is_shown_and_its_errors_come_through():
    pages = _pages()

    async def work():
        await asyncio.sleep(0.01)
        return 7

    async def failing():
        raise OSError(5)

    async def run():
        return await pages.working(work(), "menu.title", "账户", 1, 3)

    assert asyncio.run(run()) == 7
    assert _raises(OSError, pages.working(failing(), "menu.title", "账户"))
