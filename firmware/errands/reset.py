"""Forgotten number or password: the provider resets it, once it knows who is calling.

The page of the challenge stays until it is left, and what was typed of the response with it: a
call takes its time. Leaving it costs nothing: for 24 hours the same challenge is shown again.
"""

from micropython import const

from firmware.access import drawn, reset
from firmware.crypto.wipe import wipe
from firmware.ui.pages import Idle

_TITLE = "reset.title"
_KEY_LEN = const(16)


async def run(desk):
    """Lead from the operator's number to a new password. Returns None."""
    pages, text = desk.pages, desk.text
    held = bytearray(_KEY_LEN)
    found = desk.board.keystore.get("service_key", held)
    wipe(held)
    if found < 0:
        await pages.message(_TITLE, "%s %s" % (text("reset.none"), desk.hotline), True)
        return
    number = await pages.digits(_TITLE, "reset.whose", 2, 2)
    if number is None:
        return
    number, typed = bytes(number), bytearray(drawn.LEN)
    try:
        while await pages.message(_TITLE, _Challenge(desk, number)):
            given = await _typed(pages, typed)
            if given is None:
                continue
            said, left = reset.check(desk, number, given)
            wipe(given)
            if said == reset.RIGHT:
                await desk.open("new_password", number, True)
                return
            words = text("reset.said.%d" % said, left if left else None)
            await pages.message(_TITLE, words, True)
    finally:
        wipe(typed)


async def _typed(pages, typed):
    # The response, None when there is none yet: what was typed of it stands there the next time.
    try:
        given = await pages.digits(
            _TITLE, "reset.response", drawn.LEN, drawn.LEN, memoryview(typed)
        )
    except Idle:
        return None  # still on the telephone
    wipe(typed)
    return given


class _Challenge:
    # The words of the page, asked for every second.

    def __init__(self, desk, number):
        text, identity = desk.text, desk.identity
        challenge = reset.run(desk, number).decode()
        self._pages = desk.pages
        self._words = "\n".join(
            (
                text("reset.challenge"),
                challenge[:4] + " " + challenge[4:],
                text("help.call") + desk.hotline,
                text("about.terminal") + identity.terminal.decode(),
                text("help.merchant") + identity.merchant.decode(),
                text("change_record.operator") + " " + number.decode(),
            )
        )

    def __call__(self):
        self._pages.begin()  # the page stays, for as long as the call takes
        return self._words
