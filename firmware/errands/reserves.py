"""What waits in the slots beside the paid one: bind it ahead of time, use it, remove it.

It says what was chosen and ends, so that it is not in memory while that is done.
"""

from firmware import rooms
from firmware.binding import change
from firmware.errands.field_slot import words
from firmware.storage import state as store
from firmware.ui.keys import BACK

_TITLE = "reserves.title"


async def run(desk):
    """Have a reserve slot chosen, and what is to become of it. Returns the errand for that and
    what it is given, None to go back.
    """
    if desk.change.phase != change.IDLE:
        return "pending", ()
    text, at = desk.text, 0
    while True:
        items = [words(desk, slot) for slot in range(2, store.SLOTS + 1)]
        at = await desk.pages.menu(_TITLE, items, at)
        if at == BACK:
            return None
        slot = at + 2
        if desk.state.binding(slot) is None:
            named, errands = ("card", "account"), ("change_card", "change_account")
        else:
            named, errands = ("use", "remove"), ("use_reserve", "remove_reserve")
        items = [text("reserves." + key) for key in named]
        chosen = await desk.pages.menu(_TITLE, items)
        if chosen != BACK:
            rooms.ask("firmware.errands.draft", "forget", desk)  # of another slot
            return errands[chosen], (slot,)
