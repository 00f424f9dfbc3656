"""A first password, as the supervisor gives it: in memory only while it is drawn.

May import rooms and operators.
"""

from firmware import rooms
from firmware.access.operators import Operators


async def run(desk, index, number, flags, first):
    """Draw a first password that is nobody else's, into `first` (8 bytes); return the
    change that stores it for the operator at `index`.
    """
    people = Operators(desk)
    while True:
        first[:] = rooms.ask("firmware.access.drawn", "digits", desk.board.random)
        change = await people.verifying(index, number, first, flags)
        if not await people.taken(number, first, change[1]):
            return change
