"""Remove a reserve: a request that has no binding, approved as any other."""

from micropython import const

from firmware.binding import model

_TITLE = "reserves.remove"
_OTHER = const(9)


async def run(desk, slot):
    """Lead from what waits in `slot` to what is approved. Returns the errand that is next and
    what it is given, None for none. Until it is submitted power loss
    leaves everything as it was.
    """
    if await desk.open("preparation", _TITLE, slot):
        return "approval", (_TITLE, (model.REMOVE, slot, _OTHER, b""))
    return None
