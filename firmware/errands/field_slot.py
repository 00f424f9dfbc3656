"""Which binding is to be replaced, of all that there are, or a free slot for one that waits."""

from micropython import const

from firmware.acquirer.profile import EAST_S
from firmware.binding import change, model
from firmware.binding.change_record import ChangeRecord
from firmware.errands import draft as drafts
from firmware.storage import state as store
from firmware.ui.keys import BACK

_NEAR = const(2)  # months before a card's expiry


async def run(desk, title):
    """Choose DF12. What was changed elsewhere in it has to be accepted first."""
    draft = desk.draft
    while True:
        items = [words(desk, slot) for slot in range(1, store.SLOTS + 1)]
        at = await desk.pages.menu("field.slot", items, max(draft[drafts.SLOT], 1) - 1)
        if at == BACK:
            return 0
        if not desk.sync.differing or await desk.open("agreed", at + 1):
            draft[drafts.SLOT] = at + 1
            return 1


def words(desk, slot):
    """Return a warning where a card's end is near, first, as a long row passes by; its number,
    masked; until when a card is good; since when it is bound, where a record still tells.
    """
    text, tlvs = desk.text, desk.state.binding(slot)
    if tlvs is None:
        return text("slot.free" if slot > 1 else "slot.none")
    number = model.masked(tlvs)
    parts = [number]
    expiry = model.field(tlvs, model.EXPIRY)
    civil = [0] * 6
    if expiry is not None:
        desk.clock.civil(desk.clock.now() + EAST_S, civil)
        year, month = 2000 + int(expiry[:2]), int(expiry[2:])
        left = (year - civil[0]) * 12 + month - civil[1]
        parts.append("%02d/%02d" % (month, year % 100))
        if left < _NEAR:
            parts.insert(0, text("slot.near" if left >= 0 else "slot.over"))
    since = _since(desk, slot, number)
    if since:
        desk.clock.civil(since + EAST_S, civil)
        parts.append(text("slot.since") + "%d-%02d-%02d" % tuple(civil[:3]))
    return " ".join(parts)


def _since(desk, slot, number):
    for stored in desk.state.change_records():
        record = ChangeRecord(stored)
        if record.slot == slot and record.event == change.ACTIVE:
            return record.time if record.number == number else 0
    return 0
