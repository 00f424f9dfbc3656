"""Remove a reserve: a request that has no binding, approved as any other."""

from micropython import const

from firmware.binding import model
from firmware.errands import authorising

_TITLE = "reserves.remove"
_OTHER = const(9)


async def run(desk, slot):
    """Lead from what waits in `slot` to the acquirer's answer. Until it is submitted power loss
    leaves everything as it was.
    """
    if await desk.open("preparation", _TITLE, slot):
        return await authorising.run(desk, _TITLE, (model.REMOVE, slot, _OTHER, b""))
    return None
