"""The operators 01-98 as the supervisor looks after them.

What always holds: every step is one record, with its audit entry; whoever gets a first password
must choose another at the first log-in, and it is nobody else's; the supervisor and the
system administrator are not in the list: the provider resets them. May import rooms, attempts,
numbers, former, cards, roles, storage and what operators calls things.
"""

from micropython import const

from firmware import rooms
from firmware.access import attempts, cards, former, numbers, operators, roles
from firmware.access.roles import SUPERVISOR
from firmware.storage import audit
from firmware.storage import state as store

MOST = const(20)  # of them


def listed(state):
    """Return (number, flags, whether there is a card) of each operator, by number."""
    found = []
    for index, stored in numbers.each(state):
        if 1 <= index <= MOST:
            card = bool(former.card(stored))
            found.append((stored[:2], stored[operators.FLAGS], card))
    return sorted(found)


async def run(desk, number, first):
    """Give an operator a first password, written to `first` (8 bytes), for whoever asked to show
    once and wipe: one that nobody has is added, one that has forgotten it may log in again. Power
    loss leaves what was or all of it. Raises ValueError when there are `MOST` already.
    """
    state = desk.state
    index = _index(state, number)
    known = index >= 0
    if not known:
        index = _free(state)
    flags = operators.FIRST
    if known:
        flags |= state.get(store.OPERATOR + index)[operators.FLAGS] & operators.OFF
    change = await rooms.ask("firmware.access.given", "run", desk, index, number, flags, first)
    entry = _entry(desk, audit.PASSWORD if known else audit.ADDED, number)
    attempts.over(desk, number, (change,), entry)


def switch(desk, number):
    """Lock an operator until it is unlocked the same way; return whether it is locked now."""
    index, stored = _one(desk, number)
    value = bytearray(stored)
    value[operators.FLAGS] ^= operators.OFF
    off = value[operators.FLAGS] & operators.OFF
    event, how = (audit.GONE, b" locked") if off else (audit.ADDED, b" unlocked")
    entry = _entry(desk, event, number + how)
    desk.state.put(((store.OPERATOR + index, bytes(value)),), entry)
    return bool(off)


def delete(desk, number):
    """Forget an operator: password, card and failed attempts."""
    index, _ = _one(desk, number)
    entry = _entry(desk, audit.GONE, number + b" deleted")
    attempts.over(desk, number, ((store.OPERATOR + index, None),), entry)


def use_card(desk, number, digits):
    """Register a card, its `digits`, for an operator, or none when there are none; return False,
    and change nothing, when it is another's.
    """
    index, stored = _one(desk, number)
    tag = b""
    if digits:
        if cards.owner(desk, digits) not in (None, number):
            return False
        tag = cards.tag(desk, digits)
    change = (store.OPERATOR + index, former.with_card(stored, tag))
    entry = _entry(desk, audit.ADDED, number + (b" card" if tag else b" no card"))
    desk.state.put((change,), entry)
    return True


def _free(state):
    for index in range(1, MOST + 1):
        if not state.has(store.OPERATOR + index):
            return index
    raise ValueError("operators")


def _index(state, number):
    # Where the operator stands, -1 when nobody has the number.
    if not roles.is_operator(number):
        raise ValueError("operators")  # the supervisor and the administrator are not theirs
    return numbers.find(state, number)


def _one(desk, number):
    index = _index(desk.state, number)
    return index, desk.state.get(store.OPERATOR + index)


def _entry(desk, event, detail):
    # The supervisor has done it; to whom, and what, is the detail.
    return audit.entry(event, desk.clock.now(), SUPERVISOR, detail=detail)
