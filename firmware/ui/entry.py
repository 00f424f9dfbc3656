"""Fields to fill in: digits from the keypad or from a card.

A field shows its label, what was typed, how much of it there is, and an error beneath it; what was
typed stays. What always holds: the working copy is overwritten before `digits` returns or raises, so
that only the returned bytearray holds what was typed, and its owner wipes it. May import ui.pages and
crypto.wipe.
"""

import asyncio

from micropython import const

from firmware.crypto.wipe import wipe
from firmware.ui import menu as keys

_PER_LINE = const(16)  # digits, in four groups of four
_GROUP = const(4)
_GROUPED_MIN = const(9)  # a field that can hold fewer digits is shown as one group
_DELETE = const(0x2A)  # *
_CLEAR = const(0xAA)  # * held
_SWITCH = const(0x23)  # #
_CARD_TICK_MS = const(100)


async def digits(pages, title, label, low, high, initial=b"", secret=False, check=None, card=None):
    """Ask for `low` to `high` digits; return them as a bytearray, or None when C is pressed.

    title, label: text keys or words. initial: digits that stand there at first. secret: shown as `*`.
    check(digits): the text key (or words) of what is wrong with them, None when nothing is; called when
    D is pressed. card: coroutine function that waits for a card and returns its digits, None when it
    could not be read, or the text key of what is wrong with it; a card fills the field in. Raises Idle.
    """
    buf = bytearray(high)
    size = min(len(initial), high)
    for at in range(size):
        buf[at] = initial[at]
    swiped = []
    waiting = None
    error = None
    result = None
    accepted = False
    pages.begin()
    try:
        if card is not None:
            waiting = asyncio.create_task(_swipes(card, swiped))
        title = pages.words(title)
        label = pages.words(label)
        while not accepted:
            _paint(pages, title, label, buf, size, low, secret, error, card is not None)
            error = None
            code = await _key_or_card(pages, swiped, card is not None)
            if code == keys.NONE:
                number = swiped.pop()
                if isinstance(number, str):
                    error = pages.words(number)
                elif len(number) > high:
                    error = pages.text("entry.card_unread")
                else:
                    size = len(number)
                    for at in range(size):
                        buf[at] = number[at]
                continue
            if 0x30 <= code <= 0x39:
                if size == high:
                    error = pages.text("entry.too_long") % high
                else:
                    buf[size] = code
                    size += 1
            elif code == _CLEAR:
                wipe(buf)
                size = 0
            elif code == _DELETE:
                if size:
                    size -= 1
                    buf[size] = 0
            elif code & 0x7F == keys.CANCEL:
                return None
            elif code & 0x7F == keys.CONFIRM:
                if size < low:
                    error = pages.text("entry.too_short") % low
                    continue
                result = bytearray(size)
                for at in range(size):
                    result[at] = buf[at]
                if check is not None:
                    error = check(result)
                accepted = not error
                if error:
                    error = pages.words(error)
                    wipe(result)
        return result
    finally:
        if waiting is not None:
            waiting.cancel()
        wipe(buf)
        if result is not None and not accepted:
            wipe(result)


async def _swipes(card, swiped):
    while True:
        swiped.append(await card())


async def _key_or_card(pages, swiped, has_card):
    # A key's code, or NONE when a card was swiped.
    while True:
        if swiped:
            return keys.NONE
        code = await pages.key(_CARD_TICK_MS if has_card else 0)
        if code != keys.NONE:
            return code


def _paint(pages, title, label, buf, size, low, secret, error, has_card):
    canvas = pages.canvas
    high = len(buf)
    canvas.clear()
    canvas.title(title, "%d/%d" % (size, high))
    canvas.line(0, label)
    group = _GROUP if high >= _GROUPED_MIN and not secret else high
    x = canvas.cells(1, buf, 0, min(size, _PER_LINE), group, secret)
    row = 1
    if size > _PER_LINE or (size == _PER_LINE and high > _PER_LINE and not error):
        row = 2
        x = canvas.cells(2, buf, _PER_LINE, size, group, secret)
    if error:
        # Beneath the field: where the hint is when the field takes two lines.
        canvas.line(row + 1, error, True)
    elif size < high:
        canvas.caret(row, x)
    if not (error and row == 2):
        middle = "ui.delete" if size or not has_card else "ui.swipe"
        canvas.hint(pages.text("ui.back"), pages.text(middle), pages.text("ui.ok"))
    canvas.show()


_LETTERS = b"2ABC3DEF4GHI5JKL6MNO7PQRS8TUV9WXYZ"  # what # makes of the digit typed last


async def code(pages, title, label, length, initial=b""):
    """Ask for `length` digits and capital letters; return them as bytes, or None when C is pressed.

    # turns the character typed last into the next letter of its key. Raises Idle.
    """
    buf = bytearray(length)
    size = min(len(initial), length)
    buf[:size] = initial[:size]
    error = None
    pages.begin()
    while True:
        _paint(
            pages, pages.words(title), pages.words(label), buf, size, length, False, error, False
        )
        error = None
        key = await pages.key()
        if 0x30 <= key <= 0x39 and size < length:
            buf[size] = key
            size += 1
        elif key == _DELETE and size:
            size -= 1
        elif key == _SWITCH and size:
            buf[size - 1] = _next_letter(buf[size - 1])
        elif key & 0x7F == keys.CANCEL:
            return None
        elif key & 0x7F == keys.CONFIRM:
            if size == length:
                return bytes(buf)
            error = pages.text("entry.too_short") % length


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
