"""What waits in the slots beside the paid one: bind it ahead of time, use it, remove it."""

from firmware.binding import change


async def run(desk):
    """Have a reserve slot chosen, and what is to become of it; lead on to that."""
    if desk.change.phase != change.IDLE:
        await desk.open("pending")
        return
    chosen = await desk.open("reserve_choice")
    if chosen is not None:
        await desk.open(*chosen)
