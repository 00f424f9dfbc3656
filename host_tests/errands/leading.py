"""Errands that say which is next, gone through as the terminal does."""

from firmware.errands import draft


async def led(desk, work):
    """Await `work`, an errand's, then open what it leads to, until one leads to none; return what
    that one returned.
    """
    found = await work
    while isinstance(found, tuple):
        name, args = found
        found = await desk.open(name, *args)
    return found


async def proposed(desk, work):
    """Await `work`, a form's; return what is proposed, or what it has returned instead."""
    filled = await work
    return draft.proposal(desk) if filled is True else filled
