"""Log in: operator number, then password; a first password is changed before anything else."""


async def run(desk):
    """Return the operator's number (2 ASCII digits) once logged in, None when the person gives
    up.
    """
    number = await desk.pages.digits("log_in.title", "log_in.number", 2, 2, b"01")
    if number is None:
        return None
    number = bytes(number)
    return number if await desk.prove(number, "log_in.title") else None
