"""Whether an account is a company's or a person's."""

from firmware.binding import model
from firmware.errands import draft as drafts
from firmware.ui.keys import BACK


async def run(desk, title):
    """Choose DF34."""
    before = drafts.get(desk.draft, model.KIND)
    items = [desk.text("kind.%d" % kind) for kind in (model.CORPORATE, model.PERSONAL)]
    at = await desk.pages.menu("field.kind", items, before[0] - 1 if before else 0)
    if at == BACK:
        return 0
    drafts.put(desk.draft, model.KIND, bytes((at + 1,)))
    return 1
