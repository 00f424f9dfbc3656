"""Log in: operator number, typed or from the operator's card, then password; a first password is
changed before anything else.
"""

_TITLE = "log_in.title"


async def run(desk):
    """Return the operator's number (2 ASCII digits) once logged in, None when the person gives
    up, or has had the provider reset a password instead.
    """

    def card():
        return desk.open("operator_card", True)

    number = await desk.pages.digits(
        _TITLE, "log_in.number", 2, 2, b"01", card=card, aside="log_in.aside"
    )
    if number is None:
        return None
    if not number:
        return await desk.open("reset")
    number = bytes(number)
    return number if await desk.prove(number, _TITLE) else None
