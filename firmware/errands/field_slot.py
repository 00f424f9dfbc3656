"""Which binding is to be replaced, of all that there are, or a free slot for one that waits."""

from firmware.errands import draft as drafts
from firmware.errands import slots
from firmware.storage import state as keys
from firmware.ui.keys import BACK


async def run(desk, title):
    """Choose DF12."""
    draft = desk.draft
    while True:
        items = [slots.words(desk, slot) for slot in range(1, keys.SLOTS + 1)]
        at = await desk.pages.menu("field.slot", items, max(draft[drafts.SLOT], 1) - 1)
        if at == BACK:
            return 0
        if await desk.open("agreed", at + 1):
            draft[drafts.SLOT] = at + 1
            return 1
