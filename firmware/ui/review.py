"""The review of what was entered: everything in full, a way back to each field, a row to submit.

Driven by a Pages object (canvas, text, keys), which loads it for as long as a review is shown.
What always holds: the chosen row is inverted and begins in sight; what does not fit is reached
with B; A on the first row leads to the last. May import ui.canvas, ui.keys and ui.lines.
"""

from firmware.ui import canvas as paint
from firmware.ui import keys
from firmware.ui.lines import forget, lay


async def run(pages, title, rows, at=0):
    """Show every (label, value) of `rows` in full and a last row to submit. A value is words, or a
    number as a buffer: what is shown of that is overwritten before this returns or raises.

    Returns the index of the row to be changed, SUBMIT or BACK.
    """
    pages.begin()
    lines = []
    try:
        lay(pages, rows, lines, 0)
        return await _shown(pages, title, rows, at, lines)
    finally:
        forget(rows, lines)


async def _shown(pages, title, rows, at, lines):
    canvas = pages.canvas
    submit = pages.text("ui.submit_row").encode()
    lines.append((len(rows), submit, 0, len(submit), 0))
    at = min(max(at, 0), len(rows))
    top = 0
    while lines[top][0] != at:
        top += 1
    top = min(top, max(0, len(lines) - paint.BODY_LINES))
    while True:
        canvas.clear()
        canvas.title(pages.text(title), "%d/%d" % (at + 1, len(rows) + 1))
        for row in range(min(paint.BODY_LINES, len(lines) - top)):
            index, data, start, end, _ = lines[top + row]
            canvas.piece(row, data, start, end, index == at)
        canvas.scroll_mark(top, paint.BODY_LINES, len(lines), paint.BODY_LINES)
        confirm = "ui.submit" if at == len(rows) else "ui.edit"
        canvas.hint(pages.text("ui.back"), pages.text("ui.move"), pages.text(confirm))
        canvas.show()
        code = await pages.key() & 0x7F
        if code == keys.CANCEL:
            return keys.BACK
        if code == keys.CONFIRM:
            return keys.SUBMIT if at == len(rows) else at
        if code == keys.UP:
            top, at = _up(lines, top, at)
        elif code == keys.DOWN:
            top, at = _down(lines, top, at)


def _first_of(lines, row):
    line = 0
    while lines[line][0] != row:
        line += 1
    return line


def _end_of(lines, row):
    return _first_of(lines, row + 1) if row < lines[-1][0] else len(lines)


def _up(lines, top, at):
    # First the hidden lines of this row, then the row above; from the first row to the last.
    first = _first_of(lines, at)
    if first < top:
        return top - 1, at
    if at == 0:
        return max(0, len(lines) - paint.BODY_LINES), lines[-1][0]
    above = _first_of(lines, at - 1)
    return (max(above, first - paint.BODY_LINES) if above < top else top), at - 1


def _down(lines, top, at):
    # First the hidden lines of this row, then the row below, as much of it as fits.
    end = _end_of(lines, at)
    if end > top + paint.BODY_LINES:
        return top + 1, at
    if end == len(lines):
        return top, at
    below = at + 1
    least = min(_end_of(lines, below) - paint.BODY_LINES, end)
    while top < least or top < end and top and lines[top][0] == lines[top - 1][0]:
        top += 1  # not to begin with the rest of a row above
    return top, below
