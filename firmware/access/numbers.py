"""At which index of the state an operator stands.

What stored values are read with is in memory for all of them: once, not for each. May import
storage.
"""

import firmware.storage.extract  # noqa: F401
from firmware.storage import state as store


def find(state, number):
    """Return at which index the operator with this number stands, -1 when nobody has it."""
    for index, stored in each(state):
        if stored[:2] == number:
            return index
    return -1


def each(state):
    """Yield (index, what is stored) of every operator, by index."""
    for index in range(store.OPERATORS):
        stored = state.get(store.OPERATOR + index)
        if stored is not None:
            yield index, stored
