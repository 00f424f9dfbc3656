"""Why the binding is to be changed: it leads what else is asked for."""

from firmware.binding import model
from firmware.errands import draft as drafts
from firmware.ui.keys import BACK

_OF_ACCOUNT = (4, 5, 9)  # change of bank, details wrong, other
_OF_CARD = (1, 2, 3, 4, 5, 9)  # expired, lost, damaged, and the same


async def run(desk, title):
    """Choose DF13."""
    draft = desk.draft
    reasons = _OF_CARD if draft[drafts.ACTION] == model.CHANGE_CARD else _OF_ACCOUNT
    before = draft[drafts.REASON]
    items = [desk.text("reason.%d" % reason) for reason in reasons]
    at = reasons.index(before) if before else 0
    at = await desk.pages.menu("field.reason", items, at)
    if at == BACK:
        return 0
    draft[drafts.REASON] = reasons[at]
    return 1
