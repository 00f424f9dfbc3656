"""The supervisor's list of operators: add one, give a new first password, lock, delete, register a
card.
"""

from micropython import const

from firmware import rooms
from firmware.access import operators, roles, roster
from firmware.crypto.wipe import wipe
from firmware.errands import operator_card
from firmware.ui.keys import BACK

_TITLE = "operators.title"
_FIRST_LEN = const(8)


async def run(desk):
    """Show the list until it is left. Each step is done at once; power loss leaves it done or not
    begun.
    """
    pages, text = desk.pages, desk.text
    at = 0
    while True:
        people = rooms.ask("firmware.access.roster", "listed", desk.state)
        items = [_words(text, *each) for each in people]
        items.append(text("operators.add"))
        at = await pages.menu(_TITLE, items, at)
        if at == BACK:
            return
        if at < len(people):
            await _one(desk, *people[at])
        elif len(people) == roster.MOST:
            await pages.message(_TITLE, text("operators.full", roster.MOST), True)
        else:
            await _add(desk, people)


def _words(text, number, flags, card):
    words = number.decode()
    if flags & operators.OFF:
        words += " " + text("operators.is_locked")
    elif flags & operators.FIRST:
        words += " " + text("operators.is_new")
    if card:
        words += " " + text("operators.has_card")
    return words


async def _add(desk, people):
    there = [number for number, _, _ in people]

    def fault(number):
        if not roles.is_operator(number):
            return "operators.range"
        return "operators.there" if bytes(number) in there else None

    number = await desk.pages.digits(_TITLE, "log_in.number", 2, 2, b"", False, fault)
    if number is not None:
        await _first(desk, bytes(number))


async def _first(desk, number):
    # Give a first password, and show it, once.
    pages, text = desk.pages, desk.text
    first = bytearray(_FIRST_LEN)
    try:
        await pages.working(_given(desk, number, first), _TITLE, text("password.storing"))
        shown = first.decode()
    finally:
        wipe(first)
    lines = (
        text("password.of", number.decode()),
        shown[:4] + " " + shown[4:],
        text("operators.once"),
    )
    await pages.message(_TITLE, "\n".join(lines), True)


async def _given(desk, number, first):
    await rooms.ask("firmware.access.roster", "run", desk, number, first)


async def _one(desk, number, flags, card):
    pages, text = desk.pages, desk.text
    off = flags & operators.OFF
    items = (
        text("operators.reset"),
        text("operators.unlock" if off else "operators.lock"),
        text("operators.card_off" if card else "operators.card"),
        text("operators.delete"),
    )
    at = await pages.menu(_TITLE, items)
    if at == 2 and not card:
        await _card(desk, number)
        return
    asked = ("operators.reset_ask", "", "operators.card_ask", "operators.delete_ask")[at]
    if at == BACK or asked and not await pages.message(_TITLE, text(asked, number.decode())):
        return
    if at == 0:
        await _first(desk, number)
        return
    if at == 1:
        rooms.ask("firmware.access.roster", "switch", desk, number)
        return
    if at == 2:
        rooms.ask("firmware.access.roster", "use_card", desk, number, None)
    else:
        rooms.ask("firmware.access.roster", "delete", desk, number)
        if desk.draft is not None and desk.draft[:2] == number:
            rooms.ask(
                "firmware.errands.draft", "forget", desk
            )  # who gets the number next never sees it
    await pages.message(_TITLE, text("operators.done"), True)


async def _card(desk, number):
    def card():
        return desk.open("operator_card")

    low, high = operator_card.LOW, operator_card.HIGH
    digits = await desk.pages.digits(
        _TITLE, "operators.swipe", low, high, card=card, whose=number.decode()
    )
    if digits is None:
        return
    try:
        mine = rooms.ask("firmware.access.roster", "use_card", desk, number, digits)
    finally:
        wipe(digits)
    told = "operators.done" if mine else "operators.card_taken"
    await desk.pages.message(_TITLE, desk.text(told), True)
