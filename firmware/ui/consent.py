"""What is to be agreed to: everything in full, read to its end.

Driven by a Pages object (canvas, text, keys), which loads it for as long as it is shown. What
always holds: two different lists of rows never look the same; no key that was pressed before the
page stood there answers it. May import ui.canvas, ui.keys and ui.lines.
"""

from micropython import const

from firmware.ui import canvas as paint
from firmware.ui import keys
from firmware.ui.lines import forget, lay

_INDENT = const(6)


async def run(pages, title, rows):
    """Show every (label, value) of `rows`, see Pages.review, until D at their end (True) or C."""
    pages.begin()
    lines = []
    try:
        lay(pages, rows, lines, _INDENT)
        return await _read(pages, title, lines)
    finally:
        forget(rows, lines)


async def _read(pages, title, lines):
    canvas = pages.canvas
    count = len(lines)
    last = max(0, count - paint.BODY_LINES)
    first = 0
    seen = False
    while True:
        canvas.clear()
        shown = min(first + paint.BODY_LINES, count)
        canvas.title(pages.text(title), "%d/%d" % (shown, count))
        for row in range(shown - first):
            _, data, start, end, x = lines[first + row]
            canvas.piece(row, data, start, end, False, x)
        canvas.scroll_mark(first, paint.BODY_LINES, count, paint.BODY_LINES)
        right = "ui.next" if first < last else "ui.accept"
        canvas.hint(
            pages.text("ui.refuse"), pages.text("ui.move") if last else "", pages.text(right)
        )
        canvas.show()
        if not seen:
            seen = True
            pages.drop_keys()
        code = await pages.key() & 0x7F
        if code == keys.UP and first:
            first -= 1
        elif code == keys.DOWN and first < last:
            first += 1
        elif code == keys.CONFIRM:
            if first == last:
                return True
            first = min(last, first + paint.BODY_LINES)
        elif code == keys.CANCEL:
            return False
