"""The number of the merchant's licence, where the terminal does not know it."""

from micropython import const

from firmware import rooms
from firmware.binding import model
from firmware.errands import draft as drafts

_LEN = const(18)


async def run(desk, title):
    """Ask for DF35. A check digit that is wrong is only told: some early codes have one."""
    draft = desk.draft
    before = drafts.get(draft, model.LICENCE)
    while True:
        view = drafts.typing(draft, model.LICENCE, before, _LEN)
        value = await desk.pages.code(title, "field.licence", _LEN, view)
        drafts.typed(draft)
        if value is None:
            return 0
        code = rooms.ask("firmware.binding.rules", "licence", value)
        if not code or await desk.pages.message("field.licence", desk.text("rule.%d" % code)):
            drafts.put(draft, model.LICENCE, value)
            return 1
        before = value
