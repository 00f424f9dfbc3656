"""Changing one's own password: the one before is proven first."""


async def run(desk):
    """Have whoever is logged in choose a new password."""
    if await desk.prove(desk.operator, "password.title"):
        await desk.open("new_password", desk.operator)
