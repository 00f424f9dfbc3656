"""Pages that an errand awaits: message, notice, menu, review, progress.

Keys: A up, B down, C back, D confirm. The last line says what they do. What always holds: every
wait for a key ends in a key or, after `idle_ms`, in Idle, of which the last quarter of that time
warns; keys pressed while the terminal was busy never answer the page that follows, and none that
was pressed before a message stood there answers it. Titles, labels and hints are text keys;
bodies, items and values are words, shown as they are whatever they look like. D held shows help
for the page, which then stands there again as it was. May import rooms, ui.canvas, ui.keys.
"""

import asyncio

from micropython import const

from firmware import rooms
from firmware.ui import canvas as paint
from firmware.ui.keys import HELP, NONE

_BEADS = const(4)
_BEAT_S = 0.2


class Idle(Exception):
    """Nobody pressed a key for `idle_ms`."""


class Pages:
    """All pages: painted on `canvas`, answered on `keypad` (`get`, `arrival`), worded by `text`.

    beep: coroutine function that sounds the buzzer for so many ms, None when there is none.
    `help`, when it is not None: what shows help, as Desk.open does it. `topic`: the text key by
    which the page is known that is open.
    """

    def __init__(self, canvas, keypad, text, idle_ms=60000, beep=None):
        self.canvas = canvas
        self.text = text
        self.beep = beep
        self.help = None
        self.topic = ""
        self._keypad = keypad
        self.quiet_ms = self._left_ms = idle_ms - idle_ms // 4  # until the warning
        self._was_busy = False
        self._ends = []

    async def key(self, tick_ms=0):
        """Wait for a key and return its code, with 0x80 added for a long press.

        Returns NONE after `tick_ms` without one, when that is not 0. Raises Idle after `idle_ms`.
        """
        if self._was_busy:
            self._was_busy = False
            self.drop_keys()
        while True:
            limit_ms = self._left_ms
            if tick_ms and tick_ms < limit_ms:
                limit_ms = tick_ms
            code = self._keypad.get()
            if code < 0:
                await self._keypad.arrival(limit_ms)
                code = self._keypad.get()
            if code < 0:
                self._left_ms -= limit_ms
                if self._left_ms > 0:
                    return NONE
            self._left_ms = self.quiet_ms
            if code == HELP and self.help is not None:
                try:
                    await self._with("aside")
                except MemoryError:
                    pass  # no room beside this page: it stays, with what was typed
            elif code >= 0:
                return code
            else:
                await self._with(
                    "warning", self._keypad
                )  # a key that takes it back answers nothing

    def begin(self):
        """To be called before a page's first paint: its idle time starts, stale keys go."""
        self._left_ms = self.quiet_ms
        if self._was_busy:
            self._was_busy = False
            self.drop_keys()

    def drop_keys(self):
        """Forget keys that were pressed before anyone asked for one."""
        while self._keypad.get() >= 0:
            pass

    def show(self, title, body, hint_left="", hint_right=""):
        """Paint a page that asks for nothing: title, wrapped words, hints ("" for none)."""
        canvas, text = self.canvas, self.text
        self.topic = title
        canvas.clear()
        canvas.title(text(title))
        lines = paint.BODY_LINES if hint_left or hint_right else paint.LINES
        self.body(canvas.wrap(body, self._ends), self._ends, lines)
        if lines == paint.BODY_LINES:
            left = text(hint_left) if hint_left else ""
            canvas.hint(left, "", text(hint_right) if hint_right else "")
        canvas.show()

    async def message(self, title, body, ok_only=False):
        """Show words until D (True) or C (False); with `ok_only` either key gives True. The body
        may be a function: it is asked for the words of the moment every second.
        """
        self.topic = title
        return await self._with("words", title, body, ok_only, False)

    async def notice(self, title, body):
        """Show words to be accepted: D turns to the end, there it accepts (True); C refuses."""
        self.topic = title
        return await self._with("words", title, body, False, True)

    async def menu(self, title, items, at=0):
        """Let one of the strings `items` be chosen; return its index or BACK."""
        self.topic = title
        return await self._with("menu", title, items, at)

    async def review(self, title, rows, at=0):
        """Show rows of (label, value), a text key and words or a number as a buffer, and a last
        row to submit; return a row's index to change it, SUBMIT or BACK.
        """
        self.topic = "review"
        return await self._with("review", title, rows, at)

    async def consent(self, title, rows):
        """Show rows as `review` does, to be agreed to: D turns to the end, there it agrees (True);
        C refuses.
        """
        self.topic = title
        return await self._with("consent", title, rows)

    async def digits(
        self,
        title,
        label,
        low,
        high,
        initial=b"",
        secret=False,
        check=None,
        card=None,
        whose=None,
        aside=None,
        slash=0,
    ):
        """Ask for `low` to `high` digits; return them as a bytearray, or None when C is pressed.

        initial: digits that stand there at first; a memoryview of `high` bytes, zeros behind them,
        is where they are typed, and found when this raises. secret: shown as `*`. check(digits):
        the text key of what is wrong with them, None when nothing is; called when D is pressed.
        card: coroutine function that waits for a card and returns its digits, which fill the field
        in, or the text key of what is wrong with it. whose: words for the label's placeholder.
        aside: the text key of what # does instead, which then ends it with no digits. slash: how
        many digits stand before one that is shown. Raises Idle.
        """
        self.topic = label
        return await self._with(
            "entry",
            title,
            label,
            low,
            high,
            initial,
            secret,
            False,
            check,
            card,
            whose,
            aside,
            slash,
        )

    async def code(self, title, label, length, initial=b""):
        """Ask for `length` digits and capital letters; return them as a bytearray, or None when C
        is pressed. # turns the character typed last into the next letter of its key.
        """
        self.topic = label
        return await self._with(
            "entry", title, label, length, length, initial, False, True, None, None, None, None, 0
        )

    def _with(self, name, *args):
        return rooms.ask("firmware.ui." + name, "run", self, *args)

    def busy(self, title, line, step=0, steps=0):
        """Paint at once what is being done, with a progress bar when `steps` are given."""
        canvas = self.canvas
        canvas.clear()
        canvas.title(self.text(title), "%d/%d" % (step, steps) if steps else "")
        lines = 2 if steps else paint.BODY_LINES
        self.body(canvas.wrap(line, self._ends), self._ends, lines)
        if steps:
            canvas.bar(2, step, steps)
        canvas.centre(paint.BODY_LINES, self.text("ui.wait"))
        canvas.show()
        self._was_busy = True

    async def working(self, work, title=None, line="", step=0, steps=0):
        """Await the coroutine `work` with something moving on the last line; return its result.

        The work may change the page with `busy` but must not wait for keys: all are ignored.
        """
        if title is not None:
            self.busy(title, line, step, steps)
        moving = asyncio.create_task(self._move())
        try:
            return await work
        finally:
            moving.cancel()
            self.drop_keys()
            self._was_busy = True

    async def _move(self):
        lit = 0
        while True:
            await asyncio.sleep(_BEAT_S)
            self.drop_keys()
            self.canvas.beads(paint.LINES - 1, 0, _BEADS, lit)
            self.canvas.show()
            lit = (lit + 1) % _BEADS

    def body(self, data, ends, lines, first=0):
        """Paint at most `lines` lines of `data`, from line `first` on, as cut by `canvas.wrap`."""
        start = ends[first - 1] if first else 0
        for row in range(min(lines, len(ends) - first)):
            self.canvas.piece(row, data, start, ends[first + row])
            start = ends[first + row]
