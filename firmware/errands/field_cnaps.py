"""The opening bank of an account: its CNAPS number, or the branch as a person knows it."""

from micropython import const

from firmware import rooms
from firmware.binding import model
from firmware.errands import draft as drafts

_LEN = const(12)


async def run(desk, title):
    """Ask for DF32; without a number the branch is looked up, which brings DF33 too."""
    draft = desk.draft
    view = drafts.typing(draft, model.CNAPS, drafts.get(draft, model.CNAPS), _LEN)
    value = await desk.pages.digits(title, "field.cnaps", 0, _LEN, view, check=_fault)
    drafts.typed(draft)
    if value is None:
        return 0
    if not value:
        return "bank"
    drafts.put(draft, model.CNAPS, value)
    drafts.put(draft, model.BANK, b"")  # whoever types a number names no bank
    return 1


def _fault(buf):
    code = len(buf) and rooms.ask("firmware.binding.rules", "cnaps", buf)
    return "rule.%d" % code if code else None
