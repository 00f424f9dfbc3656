"""The first start: create supervisor 00 and operator 01 with passwords that have to be changed."""

from firmware.access.operators import Operators


async def run(desk):
    """Create them; power loss in between leaves the rest to the next start."""
    await Operators(desk).install()
