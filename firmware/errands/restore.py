"""Restore the binding before the current one: a new, approved request to the acquirer, never a
local overwrite.
"""

from micropython import const

from firmware import rooms
from firmware.binding import change, model
from firmware.errands.bindings import describe

_TITLE = "restore.title"
_SLOT = const(1)
_REASONS = (5, 4, 9)  # details wrong, change of bank, other


async def run(desk):
    """Lead from the backup's details to what is approved. Returns the errand that is next and
    what it is given, None for none. Until it is submitted power loss
    leaves everything as it was.
    """
    if desk.change.phase != change.IDLE:
        return "pending", ()
    backup = desk.state.backup(_SLOT)
    if backup is None:
        await desk.pages.message(_TITLE, desk.text("restore.none"), True)
        return None
    body = desk.text("restore.ask") + "\n" + describe(desk, backup)
    if not await desk.pages.message(_TITLE, body):
        return None
    if not await desk.open("preparation", _TITLE, _SLOT):
        return None
    reason = await rooms.ask("firmware.errands.field_reason", "chosen", desk, _REASONS)
    if not reason:
        return None
    return "approval", (_TITLE, (model.RESTORE, _SLOT, reason, backup))
