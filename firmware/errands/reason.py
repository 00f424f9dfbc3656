"""Why a binding is to be changed."""

from firmware.ui.keys import BACK


async def run(desk, reasons, before=0):
    """Have one of `reasons` (DF13) chosen, `before` first where that is one; return it, None to go
    back.
    """
    items = [desk.text("reason.%d" % reason) for reason in reasons]
    at = reasons.index(before) if before in reasons else 0
    at = await desk.pages.menu("field.reason", items, at)
    return None if at == BACK else reasons[at]
