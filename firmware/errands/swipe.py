"""Wait for a card at the reader: its number fills the field that is open."""

from firmware import rooms
from firmware.acquirer.profile import EAST_S
from firmware.binding import rules
from firmware.card import track
from firmware.card.swipe import Swipe
from firmware.crypto.wipe import wipe


async def run(desk, read=None):
    """Return the card's number as digits, for whoever asked to wipe, or the text key of what is
    wrong with the card.

    read: a bytearray to keep the card's expiry in (4, zeros when it has none), and its number.
    The track is overwritten before this returns: nothing else of it is kept.
    """
    buf = bytearray(256)
    swipe = Swipe(buf)
    try:
        await swipe.arrival(desk.board.magstripe)
        return _number(desk, swipe, read)
    finally:
        wipe(buf)


def _number(desk, swipe, read):
    buf, out = swipe.buf, swipe.out
    verdict = swipe.verdict()
    if verdict == track.BAD_CHECK_DIGIT:
        return "rule.%d" % rules.CARD_CHECK
    if verdict != track.OK:
        return "entry.card_unread"
    if out[track.EXPIRY]:
        now = [0] * 6
        desk.clock.civil(desk.clock.now() + EAST_S, now)
        expiry = memoryview(buf)[out[track.EXPIRY] : out[track.EXPIRY] + 4]
        code = rooms.ask("firmware.binding.rules", "expiry", expiry, now[0], now[1])
        if code:
            return "rule.%d" % code
    number = memoryview(buf)[out[track.PAN] : out[track.PAN] + out[track.PAN_LEN]]
    if read is not None:
        wipe(read)
        for at in range(4 if out[track.EXPIRY] else 0):
            read[at] = expiry[at]
        for at in range(len(number)):
            read[4 + at] = number[at]
    return bytearray(number)
