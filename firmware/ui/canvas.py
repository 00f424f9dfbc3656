"""What a page is painted with: an inverted title bar, four lines of text, bars.

Rows of text are 12 pixels high, 13 apart: the title at y=0, lines 0-3 below it, all within 64
rows. Text is given as a str or as UTF-8 bytes (a bytearray for what is secret: nothing of it is
copied). May import ui.font only.
"""

import framebuf
from micropython import const

from firmware.ui import font

WIDTH = const(128)
TEXT_WIDTH = const(122)  # leaves room for the scroll mark on the right
LINES = const(4)
BODY_LINES = const(3)  # the fourth is the hint
_PITCH = const(13)
_MARK_X = const(126)
_INK = const(1)
_BEAD = const(8)  # columns
_ELLIPSIS = const(0x2026)

# What must not begin a line of Chinese, and what must not end one.
_CLOSING = "，。、；：？！）》」』】”’…%,.;:?!)]}".encode()
_OPENING = "（《「『【“‘([{".encode()


def code_at(data, at):
    """Return the code point that starts at byte `at` of UTF-8 `data`; 0xFFFD when it is malformed.

    May be beyond Unicode, see ui.blanks.
    """
    first = data[at]
    if first < 0x80:
        return first
    end = at + step_at(data, at)
    if end > len(data) or first < 0xC2 or first > 0xF4:
        return 0xFFFD
    code = first & (0x1F if first < 0xE0 else 0x0F if first < 0xF0 else 0x07)
    for index in range(at + 1, end):
        code = code << 6 | data[index] & 0x3F
    return code


def step_at(data, at):
    """Return how many bytes the character at byte `at` takes."""
    first = data[at]
    if first < 0xC0:
        return 1
    if first < 0xE0:
        return 2
    return 3 if first < 0xF0 else 4


def _may_cut(data, last, at, code):
    # Between the characters at bytes `last` and `at`, the second of which is `code`.
    if data[last] == 32:
        return True
    if code < 0x2E80 and data[last] < 0x80:
        return False
    return (
        _CLOSING.find(data[at : at + step_at(data, at)]) < 0
        and _OPENING.find(data[last : last + step_at(data, last)]) < 0
    )


def _bytes(text):
    return text.encode() if isinstance(text, str) else text


class Canvas:
    """Paints on `panel` (a FrameBuffer of 128x64 with `flush`) with `glyphs`, a Font."""

    def __init__(self, panel, glyphs):
        self.panel = panel
        self.glyphs = glyphs
        self._ellipsis = glyphs.advance(_ELLIPSIS)
        self._normal = framebuf.FrameBuffer(bytearray(b"\x02"), 2, 1, framebuf.MONO_HMSB)
        self._inverted = framebuf.FrameBuffer(bytearray(b"\x01"), 2, 1, framebuf.MONO_HMSB)

    def clear(self):
        """Begin a page: all dark."""
        self.panel.fill(0)

    def show(self):
        """Bring what was painted to the panel; return the bytes sent."""
        return self.panel.flush()

    def title(self, text, right=""):
        """Paint the inverted title bar, with a short note (a counter) at its right end."""
        self.panel.fill_rect(0, 0, WIDTH, font.ROWS, _INK)
        room = WIDTH - 2
        if right:
            right = _bytes(right)
            width = self.width(right)
            room -= width + 4
            self._run(right, 0, len(right), WIDTH - 2 - width, 0, self._inverted)
        self._fit(_bytes(text), 0, 2, 0, room, self._inverted)

    def line(self, row, text, inverted=False, x=0, start=0, room=TEXT_WIDTH):
        """Paint line `row` (0-3) afresh from byte `start` of `text`, cut with "…" where needed.

        room: columns that may be used from the left edge.
        """
        y = self._clear_line(row, inverted)
        palette = self._inverted if inverted else self._normal
        self._fit(_bytes(text), start, x, y, room - x, palette)

    def piece(self, row, text, start, end, inverted=False, x=0):
        """Paint line `row` afresh with bytes start..end of `text`, as cut by `wrap`."""
        y = self._clear_line(row, inverted)
        palette = self._inverted if inverted else self._normal
        self._run(_bytes(text), start, end, x, y, palette)

    def centre(self, row, text, inverted=False):
        """Paint line `row` afresh with `text` in its middle."""
        text = _bytes(text)
        self.line(row, text, inverted, max(0, (TEXT_WIDTH - self.width(text)) // 2))

    def hint(self, left, middle="", right=""):
        """Paint the last line: what the keys do, at its left, in its middle, at its right."""
        row = LINES - 1
        y = self._clear_line(row, False)
        left_end = self._run(_bytes(left), 0, len(_bytes(left)), 0, y, self._normal)
        right_start = WIDTH - self.width(right)
        self.over(row, right, right_start)
        room = right_start - left_end - self.width(middle)
        self.over(row, middle, left_end + max(0, room // 2))

    def over(self, row, text, x, inverted=False):
        """Add `text` to line `row` from column `x`; what does not fit ends in "…"."""
        palette = self._inverted if inverted else self._normal
        room = WIDTH if row == LINES - 1 else TEXT_WIDTH
        self._fit(_bytes(text), 0, x, (row + 1) * _PITCH, room - x, palette)

    def cells(self, row, digits, start, end, group, secret):
        """Paint line `row` afresh with ASCII start..end in groups; secret: a `*` for each.

        Returns the column after them. Allocates nothing, so no copy of a secret is left behind.
        """
        y = self._clear_line(row, False)
        x = 0
        for at in range(start, end):
            if at > start and (at - start) % group == 0:
                x += self.glyphs.advance(32)
            x += self.glyphs.draw(self.panel, 42 if secret else digits[at], x, y, self._normal)
        return x

    def caret(self, row, x):
        """Mark where the next character goes."""
        self.panel.fill_rect(x, (row + 1) * _PITCH + font.ROWS - 1, 5, 1, _INK)

    def bar(self, row, done, whole):
        """Paint line `row` afresh with a progress bar."""
        y = self._clear_line(row, False)
        self.panel.fill_rect(4, y + 5, WIDTH - 8, 2, _INK)
        if done and whole:
            self.panel.fill_rect(
                4, y + 2, max(2, (WIDTH - 8) * min(done, whole) // whole), 8, _INK
            )

    def beads(self, row, x, count, lit):
        """Paint `count` small beads from column `x` of line `row`, number `lit` a large one."""
        y = (row + 1) * _PITCH
        self.panel.fill_rect(x, y, count * _BEAD, font.ROWS, 0)
        for index in range(count):
            size = 4 if index == lit else 2
            side = (_BEAD - size) // 2
            self.panel.fill_rect(x + side, y + 6 - size // 2, size, size, _INK)
            x += _BEAD

    def scroll_mark(self, first, seen, whole, lines=LINES):
        """Show at the right edge which part of `whole` lines is seen; nothing if all of it is."""
        if whole <= seen:
            return
        height = lines * _PITCH - 2
        length = max(4, height * seen // whole)
        top = (height - length) * min(first, whole - seen) // (whole - seen)
        self.panel.fill_rect(_MARK_X, _PITCH + top, WIDTH - _MARK_X, length, _INK)

    def width(self, text):
        """Return how many columns `text` takes on one line."""
        text = _bytes(text)
        total = 0
        at = 0
        while at < len(text):
            total += self.glyphs.advance(code_at(text, at))
            at += step_at(text, at)
        return total

    def wrap(self, text, ends, room=TEXT_WIDTH):
        """Cut `text` into lines of at most `room` columns; put their ends into the list `ends`.

        Ideographs part anywhere, Latin words at spaces; closing punctuation never begins a line.
        A line feed ends a line; it and the spaces at a cut belong to the line before. Returns the
        text as bytes, for `piece`.
        """
        data = _bytes(text)
        ends.clear()
        at = start = last = column = 0
        cut = -1  # where the line may be cut at best so far
        while at < len(data):
            code = code_at(data, at)
            size = step_at(data, at)
            if code == 10:
                at += 1
                ends.append(at)
                start = at
                column = 0
                cut = -1
                continue
            advance = self.glyphs.advance(code)
            if at > start and code != 32 and _may_cut(data, last, at, code):
                cut = at
            if column + advance > room and code != 32 and at > start:
                at = cut if cut > start else at
                ends.append(at)
                start = at
                column = 0
                cut = -1
                continue
            column += advance
            last = at
            at += size
        if start < len(data) or not ends:
            ends.append(len(data))
        return data

    def _clear_line(self, row, inverted):
        y = (row + 1) * _PITCH
        self.panel.fill_rect(0, y, WIDTH if inverted else _MARK_X, font.ROWS, inverted)
        if not inverted:
            self.panel.fill_rect(_MARK_X, y, WIDTH - _MARK_X, font.ROWS, 0)
        return y

    def _run(self, data, start, end, x, y, palette):
        # Paint bytes start..end and return the column after them; a line feed is not painted.
        while start < end:
            code = code_at(data, start)
            if code == 32:
                x += self.glyphs.advance(32)
            elif code != 10:
                x += self.glyphs.draw(self.panel, code, x, y, palette)
            start += step_at(data, start)
        return x

    def _fit(self, data, start, x, y, room, palette):
        # Paint from byte `start`; when it is wider than `room`, as much as fits and an ellipsis.
        column = 0
        fitting = start
        at = start
        while at < len(data):
            column += self.glyphs.advance(code_at(data, at))
            if column > room:
                x = self._run(data, start, fitting, x, y, palette)
                self.glyphs.draw(self.panel, _ELLIPSIS, x, y, palette)
                return
            at += step_at(data, at)
            if column <= room - self._ellipsis:
                fitting = at
        self._run(data, start, at, x, y, palette)
