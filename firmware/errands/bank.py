"""The opening bank by what a person knows: its class from a list, the first letters of its name.

What always holds: whoever knows the number of 12 digits goes back and types it, also when the
directory is out of reach; number and name go into the draft at the desk together. May import
rooms, directory, binding.model, errands.draft.
"""

from micropython import const

from firmware import rooms
from firmware.acquirer import directory
from firmware.binding import model
from firmware.binding.change import NoAnswer
from firmware.errands import draft as drafts
from firmware.ui.keys import BACK

_CLASSES = const(  # three digits each, the ones with the most branches first
    b"102103104105403301308309310302303304305306307313314315316317318319320402201202203501502671"
)
_TITLE = "field.bank"
_NUMBER_LEN = const(12)
_LETTERS_MAX = const(12)
_TOO_OFTEN = b"61"


async def run(desk):
    """Have a bank chosen for DF32 and DF33. Returns True when it is in the draft, False to go
    back.
    """
    at = 0
    while True:
        at = await desk.pages.menu(_TITLE, _choices(desk.text), at)
        if at == BACK:
            return False
        if await _search(desk, _CLASSES[3 * at : 3 * at + 3]):  # of none: any bank
            return True


def _choices(text):
    items = []
    for at in range(0, len(_CLASSES), 3):
        code = _CLASSES[at : at + 3].decode()
        items.append(text("bank." + code) + " " + code)
    items.append(text("bank.any"))
    return items


async def _search(desk, bank_class):
    # Ask for letters and show what fits, until a bank is chosen (True) or the person goes back.
    letters = b""
    while True:
        letters = await desk.pages.digits(
            _TITLE,
            "bank.letters",
            0 if bank_class else 1,
            _LETTERS_MAX,
            letters,
            check=_without_letters,
        )
        if letters is None:
            return False
        page = 0
        while page >= 0:
            step = await _page(desk, bank_class, letters, page)
            if not step:
                return True
            page += step


def _without_letters(keys):
    return "bank.no_letters" if b"0" in keys or b"1" in keys else None


async def _page(desk, bank_class, letters, page):
    # Show one page of what fits. Returns how many pages to go on by, negative to ask anew, 0 when
    # a bank was chosen.
    text, pages = desk.text, desk.pages
    words = None
    try:
        code, found, more = await pages.working(
            desk.sync.look_up(bank_class, letters, page), _TITLE, text("bank.asking")
        )
        if code == _TOO_OFTEN:
            words = text("bank.too_often")
        elif code != b"00":
            words = rooms.ask("firmware.errands.reasons", "words", text, code)
    except NoAnswer as error:
        words = text("link.%d" % error.code)
    if words:
        if await pages.message(_TITLE, words + "\n" + text("bank.or_type")):
            return await _page(desk, bank_class, letters, page)
        return -1 - page
    if not found:
        key = "bank.too_many" if more == directory.TOO_MANY else "bank.none"
        await pages.message(_TITLE, text(key), True)
        return -1 - page
    same = _same(found)
    items = [bank[same:].decode() for bank in found]
    if more == directory.MORE:
        items.append(text("bank.next"))
    at = await pages.menu(_TITLE, items)
    if at == BACK:
        return -1
    if at == len(found):
        return 1
    bank = found[at]
    wrong = rooms.ask("firmware.binding.rules", "cnaps", bank[:_NUMBER_LEN])
    if wrong:
        await pages.message(_TITLE, text("rule.%d" % wrong), True)
        return -1 - page
    drafts.put(desk.draft, model.CNAPS, bank[:_NUMBER_LEN])
    drafts.put(desk.draft, model.BANK, bank[_NUMBER_LEN:])
    return 0


def _same(found):
    # Where in them banks begin to differ: a row is too narrow for what all of them are called.
    first = found[0]
    most = min([len(bank) for bank in found]) - 1 if len(found) > 1 else 0
    same = _NUMBER_LEN
    while same < most and all([bank[same] == first[same] for bank in found]):
        same += 1
    while same > _NUMBER_LEN and any([bank[same] & 0xC0 == 0x80 for bank in found]):
        same -= 1  # not within a character
    return same
