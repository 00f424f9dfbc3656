"""A list to choose from.

Driven by a Pages object (canvas, text, keys). What always holds: the chosen row is inverted and
in sight; a row too long for the panel passes by while it is chosen; no two items look the same.
May import ui.blanks, ui.canvas and ui.keys only.
"""

from micropython import const

from firmware.ui import canvas as paint
from firmware.ui.blanks import shown
from firmware.ui.keys import BACK, CANCEL, CONFIRM, DOWN, NONE, UP

_PASS_MS = const(400)  # a long row moves on by one character
_PAUSE_TICKS = const(3)  # and rests this long at both ends
_WORDS_X = const(13)  # the digit stands before them


async def run(pages, title, items, at=0):
    """Let one of the strings `items` be chosen, by A/B and D or by digit; return index or BACK."""
    pages.begin()
    canvas = pages.canvas
    count = len(items)
    if not count:
        await pages.message(title, pages.text("ui.nothing"), True)
        return BACK
    at = min(max(at, 0), count - 1)
    top = 0
    passing = _Passing(canvas)
    while True:
        top = min(max(top, at - paint.BODY_LINES + 1), at)
        canvas.clear()
        canvas.title(pages.text(title), "%d/%d" % (at + 1, count))
        for row in range(min(paint.BODY_LINES, count - top)):
            _item(canvas, row, top + row, items[top + row], top + row == at, 0)
        canvas.scroll_mark(top, paint.BODY_LINES, count, paint.BODY_LINES)
        canvas.hint(pages.text("ui.back"), pages.text("ui.move"), pages.text("ui.choose"))
        canvas.show()
        passing.start(items[at])
        while True:
            code = await pages.key(_PASS_MS if passing._needed else 0)
            if code != NONE:
                break
            _item(canvas, at - top, at, items[at], True, passing.next())
            canvas.show()
        code &= 0x7F
        if code == UP:
            at = (at - 1) % count
        elif code == DOWN:
            at = (at + 1) % count
        elif code == CONFIRM:
            return at
        elif code == CANCEL:
            return BACK
        elif 0x31 <= code <= 0x39 and code - 0x31 < count:
            return code - 0x31


def _item(canvas, row, index, words, chosen, start):
    # One row of a menu: its digit, then its words from byte `start`.
    number = "%d" % (index + 1) if index < 9 else ""
    canvas.line(row, number, chosen, 2)
    canvas.over(row, shown(words)[start:], _WORDS_X, chosen)


class _Passing:
    # Where a row that is too long starts while it passes by.

    def __init__(self, canvas):
        self._canvas = canvas
        self._data = b""
        self._at = 0
        self._rest = 0
        self._needed = False

    def start(self, words):
        self._data = shown(words)
        self._at = 0
        self._rest = _PAUSE_TICKS
        self._needed = self._width() > paint.TEXT_WIDTH - _WORDS_X

    def next(self):
        """Return the byte to start from after another tick."""
        if self._rest:
            self._rest -= 1
        elif self._width() > paint.TEXT_WIDTH - _WORDS_X:
            self._at += paint.step_at(self._data, self._at)
            if self._width() <= paint.TEXT_WIDTH - _WORDS_X:
                self._rest = _PAUSE_TICKS
        else:
            self._at = 0
            self._rest = _PAUSE_TICKS
        return self._at

    def _width(self):
        return self._canvas.width(self._data[self._at :])
