"""Lists to choose from: the menu, and the review of what was entered.

Both are driven by a Pages object (canvas, words, keys) and know nothing else. What always holds:
the chosen row is inverted and wholly visible; a row too long for the panel passes by while it is
chosen; what does not fit can be reached with B. May import ui.canvas and ui.number.
"""

from micropython import const

from firmware.ui import canvas as paint
from firmware.ui.number import grouped

NONE = const(-1)
BACK = const(-1)
SUBMIT = const(-2)

UP = const(0x41)  # A
DOWN = const(0x42)  # B
CANCEL = const(0x43)  # C
CONFIRM = const(0x44)  # D

_LINES = const(3)  # the fourth is the hint
_GROUP = const(8)  # longer numbers are shown in groups
_PASS_MS = const(400)  # a long row moves on by one character
_PAUSE_TICKS = const(3)  # and rests this long at both ends
_WORDS_X = const(13)  # the digit stands before them


async def choose(pages, title, items, at=0):
    """Let one of the strings `items` be chosen, by A/B and D or by digit; return index or BACK."""
    pages.begin()
    canvas = pages.canvas
    title = pages.words(title)
    count = len(items)
    if not count:
        await pages.message(title, pages.text("ui.nothing"), True)
        return BACK
    at = min(max(at, 0), count - 1)
    top = 0
    passing = _Passing(canvas)
    while True:
        top = min(max(top, at - _LINES + 1), at)
        canvas.clear()
        canvas.title(title, "%d/%d" % (at + 1, count))
        for row in range(min(_LINES, count - top)):
            _item(canvas, row, top + row, items[top + row], top + row == at, 0)
        canvas.scroll_mark(top, _LINES, count, _LINES)
        canvas.hint(pages.text("ui.back"), pages.text("ui.move"), pages.text("ui.choose"))
        canvas.show()
        passing.start(items[at])
        while True:
            code = await pages.key(_PASS_MS if passing.needed else 0)
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
    if start:
        words = words.encode()[start:]
    canvas.line(row, number, chosen, 2)
    canvas.over(row, words, _WORDS_X, chosen)


class _Passing:
    # Where a row that is too long starts while it passes by.

    def __init__(self, canvas):
        self._canvas = canvas
        self._data = b""
        self._at = 0
        self._rest = 0
        self.needed = False

    def start(self, words):
        self._data = words.encode()
        self._at = 0
        self._rest = _PAUSE_TICKS
        self.needed = self._width() > paint.TEXT_WIDTH - _WORDS_X

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


async def review(pages, title, rows, at=0):
    """Show every (label, value) of `rows` in full and a last row to submit.

    Returns the index of the row to be changed, SUBMIT or BACK.
    """
    pages.begin()
    canvas = pages.canvas
    title = pages.words(title)
    lines = []  # (row, words as bytes, start, end)
    ends = []
    for index in range(len(rows)):
        label, value = rows[index]
        label = pages.words(label)
        if len(value) > _GROUP and value.isdigit():
            value = grouped(value)
        if canvas.width(label) + 6 + canvas.width(value) <= paint.TEXT_WIDTH:
            line = (label + " " + value).encode()
            lines.append((index, line, 0, len(line)))
            continue
        line = label.encode()
        lines.append((index, line, 0, len(line)))
        data = canvas.wrap(value, ends)
        start = 0
        for end in ends:
            lines.append((index, data, start, end))
            start = end
    submit = pages.text("ui.submit_row").encode()
    lines.append((len(rows), submit, 0, len(submit)))
    at = min(max(at, 0), len(rows))
    top = 0
    while lines[top][0] != at:
        top += 1
    top = min(top, max(0, len(lines) - _LINES))
    while True:
        canvas.clear()
        canvas.title(title, "%d/%d" % (at + 1, len(rows) + 1))
        for row in range(min(_LINES, len(lines) - top)):
            index, data, start, end = lines[top + row]
            canvas.piece(row, data, start, end, index == at)
        canvas.scroll_mark(top, _LINES, len(lines), _LINES)
        confirm = "ui.submit" if at == len(rows) else "ui.edit"
        canvas.hint(pages.text("ui.back"), pages.text("ui.move"), pages.text(confirm))
        canvas.show()
        code = await pages.key() & 0x7F
        if code == CANCEL:
            return BACK
        if code == CONFIRM:
            return SUBMIT if at == len(rows) else at
        if code == UP:
            top, at = _up(lines, top, at)
        elif code == DOWN:
            top, at = _down(lines, top, at)


def _first_of(lines, row):
    line = 0
    while lines[line][0] != row:
        line += 1
    return line


def _end_of(lines, row):
    return _first_of(lines, row + 1) if row < lines[-1][0] else len(lines)


def _up(lines, top, at):
    # First the hidden lines of this row, then the row above.
    first = _first_of(lines, at)
    if first < top:
        return top - 1, at
    if at == 0:
        return top, at
    above = _first_of(lines, at - 1)
    return (max(above, first - _LINES) if above < top else top), at - 1


def _down(lines, top, at):
    # First the hidden lines of this row, then the row below, as much of it as fits.
    end = _end_of(lines, at)
    if end > top + _LINES:
        return top + 1, at
    if end == len(lines):
        return top, at
    below = at + 1
    least = min(_end_of(lines, below) - _LINES, end)
    while top < least or top < end and top and lines[top][0] == lines[top - 1][0]:
        top += 1  # not to begin with the rest of a row above
    return top, below
