"""The opening bank of an account, by its CNAPS number."""

from micropython import const

from firmware import rooms
from firmware.binding import model
from firmware.errands import draft as drafts

_LEN = const(12)


async def run(desk, title):
    """Ask for DF32."""
    draft = desk.draft
    view = drafts.typing(draft, model.CNAPS, drafts.get(draft, model.CNAPS), _LEN)
    value = await desk.pages.digits(title, "field.cnaps", 1, _LEN, view, check=_fault)
    drafts.typed(draft)
    if value is None:
        return 0
    drafts.put(draft, model.CNAPS, value)
    return 1


def _fault(buf):
    code = rooms.ask("firmware.binding.rules", "cnaps", buf)
    return "rule.%d" % code if code else None
