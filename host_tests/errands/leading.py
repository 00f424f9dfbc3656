"""Errands that say which is next, gone through as the terminal does."""


async def led(desk, work):
    """Await `work`, an errand's, then open what it leads to, until one leads to none; return what
    that one returned.
    """
    found = await work
    while isinstance(found, tuple):
        name, args = found
        found = await desk.open(name, *args)
    return found
