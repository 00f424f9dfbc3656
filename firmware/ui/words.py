"""Words to be read: a message that is answered, or a notice that has to be accepted.

Driven by a Pages object (canvas, text, keys), which loads it for as long as the words are shown.
What always holds: no key that was pressed before the words stood there answers them; a notice is
accepted only at its end; words that change are shown as they are now. May import ui.canvas and
ui.keys only.
"""

from micropython import const

from firmware.ui import canvas as paint
from firmware.ui.keys import CANCEL, CONFIRM, DOWN, NONE, UP

_LOOK_MS = const(1000)


async def run(pages, title, body, ok_only, to_the_end):
    """Show `body`, words or a function that gives them, until D (True) or C (`ok_only`);
    `to_the_end`: D first turns to the end.
    """
    pages.begin()
    canvas = pages.canvas
    ends = []
    first = 0
    seen = False
    while True:
        data = canvas.wrap(body() if callable(body) else body, ends)
        last = max(0, len(ends) - paint.BODY_LINES)
        first = min(first, last)
        unread = to_the_end and first < last
        canvas.clear()
        canvas.title(pages.text(title))
        pages.body(data, ends, paint.BODY_LINES, first)
        canvas.scroll_mark(first, paint.BODY_LINES, len(ends), paint.BODY_LINES)
        left = "" if ok_only else pages.text("ui.refuse" if to_the_end else "ui.back")
        right = "ui.next" if unread else "ui.accept" if to_the_end else "ui.ok"
        canvas.hint(left, pages.text("ui.move") if last else "", pages.text(right))
        canvas.show()
        if not seen:
            seen = True
            pages.drop_keys()
        code = await pages.key(_LOOK_MS if callable(body) else 0)
        if code == NONE:
            continue
        code &= 0x7F
        if code == UP and first:
            first -= 1
        elif code == DOWN and first < last:
            first += 1
        elif code == CONFIRM:
            if not unread:
                return True
            first = min(last, first + paint.BODY_LINES)
        elif code == CANCEL:
            return ok_only
