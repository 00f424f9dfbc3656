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
    at = reasons.index(before) if before else 0
    reason = await chosen(desk, reasons, at)
    if not reason:
        return 0
    draft[drafts.REASON] = reason
    return 1


async def chosen(desk, reasons, at=0):
    """Return one of `reasons`, values of DF13; 0 when none is chosen. at: where to begin."""
    items = [desk.text("reason.%d" % reason) for reason in reasons]
    at = await desk.pages.menu("field.reason", items, at)
    return 0 if at == BACK else reasons[at]
