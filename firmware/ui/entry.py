"""Fields to fill in: digits from the keypad or from a card.

A field shows its label, what was typed, how much of it there is, and an error beneath it; what
was typed stays. What always holds: the working copy is overwritten before `digits` returns or
raises, so that only the returned bytearray holds what was typed, and its owner wipes it; but in a
place that the caller gave to type in it stays when the field is not left by a key. May import
ui.keys and crypto.wipe.
"""

import asyncio

from micropython import const

from firmware.crypto.wipe import wipe
from firmware.ui import keys

_PER_LINE = const(16)  # digits, in four groups of four
_GROUP = const(4)
_GROUPED_MIN = const(9)  # a field that can hold fewer digits is shown as one group
_DELETE = const(0x2A)  # *
_CLEAR = const(0xAA)  # * held
_SWITCH = const(0x23)  # #
_CARD_TICK_MS = const(100)
_LETTERS = b"2ABC3DEF4GHI5JKL6MNO7PQRS8TUV9WXYZ"  # what # makes of the digit typed last


async def run(
    pages, title, label, low, high, initial, secret, letters, check, card, whose, aside, slash
):
    """Ask for `low` to `high` characters, see `Pages.digits` and `Pages.code`."""
    field = _Field(pages, title, pages.text(label, whose), low, high, initial)
    field.secret = secret
    field._letters = letters
    field._swipes = card is not None
    field._aside = aside
    field._slash = slash
    return await field.fill(check, card)


class _Field:
    # What has been typed so far, what is wrong with it, and how it is painted.

    def __init__(self, pages, title, label, low, high, initial):
        self.secret = False
        self._letters = False
        self._swipes = False
        self._aside = None
        self._slash = 0
        self._pages = pages
        self._title = pages.text(title)
        self._label = label  # in words
        self._low = low
        self._error = None
        self._offered = None  # the number of a card swiped over what stands here: D takes it
        self._size = 0
        self._kept = isinstance(initial, memoryview)
        self._buf = initial if self._kept else bytearray(high)
        if self._kept:
            while self._size < high and initial[self._size]:
                self._size += 1
        else:
            self._take(initial)

    async def fill(self, check, card):
        """Let the field be edited; return what it holds once D is pressed and the check is
        passed.
        """
        pages = self._pages
        swiped = []
        waiting = None
        pages.begin()
        try:
            if card is not None:
                waiting = asyncio.create_task(_swipes(card, swiped))
                await asyncio.sleep(0)  # it loads its code: no key is looked for meanwhile
            while True:
                self._paint()
                key = await _key_or_card(pages, swiped, waiting)
                self._error = None
                if key == keys.NONE:
                    self._offer(swiped.pop())  # the last one counts
                    _forget(swiped)
                    pages.begin()  # a card is as good as a key: somebody is here
                    continue
                if self._offered is not None and self._answers_offer(key & 0x7F):
                    continue
                if key & 0x7F == keys.CANCEL:
                    self._kept = False
                    return None
                elif key == _SWITCH and self._aside is not None:
                    return bytearray()
                elif key & 0x7F == keys.CONFIRM:
                    result = self._checked(check)
                    if result is not None:
                        self._kept = False
                        return result
                else:
                    self._edit(key)
        finally:
            if waiting is not None:
                waiting.cancel()
            _forget(swiped)
            self._forget_offer()
            if not self._kept:
                wipe(self._buf)
            if waiting is not None:
                await asyncio.sleep(0)  # it drops its code

    def _take(self, source):
        self._size = min(len(source), len(self._buf))
        for at in range(self._size):
            self._buf[at] = source[at]

    def _offer(self, number):
        self._forget_offer()
        if isinstance(number, str):
            self._error = self._pages.text(number)
        elif len(number) > len(self._buf):
            self._error = self._pages.text("entry.card_unread")
            wipe(number)
        else:
            self._offered = number

    def _answers_offer(self, key):
        # D takes the card's number, and is then for the field; C is for the offer alone.
        if key == keys.CONFIRM:
            wipe(self._buf)
            self._take(self._offered)
        self._forget_offer()
        return key == keys.CANCEL

    def _forget_offer(self):
        if self._offered is not None:
            wipe(self._offered)
            self._offered = None

    def _edit(self, key):
        buf, size = self._buf, self._size
        if 0x30 <= key <= 0x39:
            if size == len(buf):
                self._error = self._pages.text("entry.too_long", size)
            else:
                buf[size] = key
                self._size += 1
        elif key == _CLEAR:
            wipe(buf)
            self._size = 0
        elif key == _DELETE and size:
            self._size -= 1
            buf[size - 1] = 0
        elif key == _SWITCH and self._letters and size:
            buf[size - 1] = _next_letter(buf[size - 1])

    def _checked(self, check):
        # A copy of what was typed, or None when something is wrong with it.
        low = self._low
        if self._size < low:
            key = "entry.exact" if low == len(self._buf) else "entry.too_short"
            self._error = self._pages.text(key, low)
            return None
        result = bytearray(self._size)
        for at in range(self._size):
            result[at] = self._buf[at]
        passed = False
        try:
            wrong = None if check is None else check(result)
            passed = wrong is None
            if not passed:
                self._error = self._pages.text(wrong)
            return result if passed else None
        finally:
            if not passed:
                wipe(result)

    def _paint(self):
        canvas, text = self._pages.canvas, self._pages.text
        buf, size, error = self._buf, self._size, self._error
        high = len(buf)
        if self._offered is not None:
            buf, size = self._offered, len(self._offered)
        canvas.clear()
        canvas.title(self._title, "%d/%d" % (size, high))
        canvas.line(0, self._label)
        group = _GROUP if high >= _GROUPED_MIN and not self.secret else high + 1
        room = high - size
        if 0 < self._slash <= size:
            buf = bytearray(buf[: self._slash]) + b"/" + buf[self._slash : size]
            size += 1
        row = 1
        x = canvas.cells(1, buf, 0, min(size, _PER_LINE), group, self.secret)
        if size > _PER_LINE or size == _PER_LINE < high and not error:
            row = 2
            x = canvas.cells(2, buf, _PER_LINE, size, group, self.secret)
        if error:
            canvas.line(row + 1, error, True)  # in the hint's place when the field takes two lines
        else:
            if room > 0:
                canvas.caret(row, x)
            if self._aside is not None:
                canvas.line(2, text(self._aside))
        if not (error and row == 2):
            middle = "ui.delete" if size or not self._swipes else "ui.swipe"
            if self._letters:
                middle = "ui.letters"
            canvas.hint(text("ui.back"), text(middle), text("ui.ok"))
        canvas.show()
        if buf is not self._buf and buf is not self._offered:
            wipe(buf)


async def _swipes(card, swiped):
    while True:
        swiped.append(await card())


def _forget(swiped):
    for number in swiped:
        if not isinstance(number, str):
            wipe(number)
    swiped.clear()


async def _key_or_card(pages, swiped, waiting):
    # A key's code, or NONE when a card was swiped.
    while True:
        if swiped:
            return keys.NONE
        if waiting is not None and waiting.done():
            await waiting  # it found no room: no card would ever come
        code = await pages.key(_CARD_TICK_MS if waiting is not None else 0)
        if code != keys.NONE:
            return code


def _next_letter(char):
    at = _LETTERS.find(bytes((char,)))
    if at < 0:
        return char  # 0 and 1 carry no letters
    at += 1
    if at < len(_LETTERS) and _LETTERS[at] >= 0x41:
        return _LETTERS[at]
    at -= 1
    while _LETTERS[at] >= 0x41:
        at -= 1
    return _LETTERS[at]
