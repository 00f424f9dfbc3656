"""The acquirer's directory of banks: one page of the branches that fit what a person knows.

What always holds: only a number of 12 digits with a name that a page can show and a binding can
carry is offered; it changes nothing, here or there. See Sync.look_up. May import
profile, binding.change, binding.legible, card.tlv.
"""

from array import array

from micropython import const

from firmware.acquirer import profile
from firmware.binding.change import NoAnswer
from firmware.binding.legible import clean
from firmware.card import tlv

LAST = const(0)  # DF65
MORE = const(1)
TOO_MANY = const(2)

_NAME_MAX = const(90)  # bytes of UTF-8
_NUMBER_LEN = const(12)
_SHOWN = const(8)  # of a page


async def look_up(line, bank_class, letters, page):
    """Ask for page `page` of the banks of `bank_class` (3 digits, empty for any) in whose name
    the keys `letters` (of 2 to 9, may be empty) are the first letters, from any character on.

    Returns (DE 39, [number and name as bytes], LAST, MORE or TOO_MANY). Raises NoAnswer, NoRoom.
    """
    asked = []
    if bank_class:
        asked.append((profile.BANK_CLASS, bank_class))
    if letters:
        asked.append((profile.LETTERS, letters))
    asked.append((profile.PAGE, bytes((page,))))
    fields = {
        profile.MTI: profile.FILE,
        profile.UPDATE: profile.INQUIRE,
        profile.FILE_NAME: profile.BANKS,
        profile.DATA: asked,
    }
    said = await line.talk(profile.OF_BANKS, fields)
    code, found = said[profile.CODE], []
    if code != profile.APPROVED:
        return code, found, LAST
    more = _read(said[profile.DATA] or b"", found)
    if more < LAST or more > TOO_MANY:
        raise NoAnswer(0)
    return code, found, more


def _read(block, found):
    # Take what is good of the banks in DE 120 into `found`; return DF65, -1 when it is no answer.
    out = array("i", bytes(4 * tlv.OUT_LEN))
    more = -1
    pos = 0
    while pos < len(block):
        pos = tlv.step(block, pos, len(block), out)
        if pos < 0:
            return -1
        start, size = out[1], out[2]
        if out[0] == profile.PAGES_LEFT:
            if more >= 0 or size != 1:
                return -1
            more = block[start]
        elif out[0] == profile.BANK and size > _NUMBER_LEN and len(found) < _SHOWN:
            bank = block[start : start + size]
            if bank[:_NUMBER_LEN].isdigit() and clean(bank[_NUMBER_LEN:], _NAME_MAX):
                found.append(bank)
    return more
