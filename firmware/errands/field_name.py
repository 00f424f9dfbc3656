"""The holder, from the names that the acquirer has registered: who holds the binding now first."""

from firmware import rooms
from firmware.binding import model
from firmware.errands import draft as drafts
from firmware.ui.keys import BACK


async def run(desk, title):
    """Choose DF30; a name that can't be bound is refused here."""
    draft, names = desk.draft, desk.sync.names
    before = bytes(drafts.get(draft, model.NAME))
    if not before and draft[drafts.SLOT]:
        before = model.field(desk.state.binding(draft[drafts.SLOT]), model.NAME)
    at = names.index(before) if before in names else 0
    while True:
        at = await desk.pages.menu("field.name", [name.decode() for name in names], at)
        if at == BACK:
            return 0
        code = rooms.ask("firmware.binding.rules", "name", names[at], names)
        if not code:
            drafts.put(draft, model.NAME, names[at])
            return 1
        await desk.pages.message("field.name", desk.text("rule.%d" % code), True)
