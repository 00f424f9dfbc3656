"""Operators and their passwords, as they are stored; see `proving` for how one is checked.

What always holds: nobody has a password that is another's, or was one's own among the last four.
All passwords of a terminal are stretched with one salt, drawn for it, and at one cost: so one
stretching tells of all. Follows PCI DSS 4.0.1 8.3.6 (strength) and 8.3.7 (the last four), without
claiming certification. May import rooms, roles, crypto and storage.
"""

import struct

from micropython import const

from firmware import rooms
from firmware.access.roles import ADMINISTRATOR
from firmware.crypto.compare import equal
from firmware.storage import audit
from firmware.storage import state as store

# What a password is
GRANTED = const(0)
MUST_CHANGE = const(1)  # right, but it is the first one
WRONG = const(2)
LOCKED = const(3)
DISABLED = const(4)  # right, but the supervisor has locked the operator

# What becomes of a new one
SET = const(1)
SAME = const(2)  # it is the one before, or one of the three before that
TAKEN = const(3)  # it is somebody else's
NOBODY = const(4)  # there is no such operator

FIRST = const(1)  # of an operator's flags: the password is to be changed
OFF = const(2)  # locked by the supervisor

_LAYOUT = ">2sBH8s16s"  # number, flags, iterations, salt, verifier; then see `former`
STORED_LEN = const(29)
FLAGS = const(2)  # where they stand
ITERATIONS_AT = const(3)
SALT = const(5)
VERIFIER = const(13)


class Operators:
    """The operators of this terminal.

    desk: gives state, clock and board; the board's keystore holds this device's pepper, so that
    what is on flash can't be tried elsewhere.
    """

    def __init__(self, desk):
        self._desk = desk
        self._state = desk.state
        self._pepper = desk.board.keystore.get_bytes("mac_key")
        self._clock = desk.clock
        self._random = desk.board.random

    async def set_password(self, number, password, by_provider=False):
        """Store a new password that its owner has chosen; return SET, or why nothing was stored:
        SAME, TAKEN or NOBODY.

        by_provider: the response to the challenge was right. The challenge is used up and the
        lock-out over in the same moment, and the system administrator begins with that. Power
        loss leaves what was before or all of it.
        """
        index = _find(self._state, number)
        if index < 0:
            if not by_provider or number != ADMINISTRATOR:
                return NOBODY
            index = store.OPERATORS - 1
        before = self._state.get(store.OPERATOR + index)
        flags = 0 if before is None else before[FLAGS] & OFF
        change = await self.verifying(index, number, password, flags)
        if before is not None:
            if await self._same(before, password, change[1]):
                return SAME
            if len(before) > STORED_LEN:
                if rooms.ask("firmware.access.former", "has", before, change[1]):
                    return SAME
        if await self.taken(number, password, change[1]):
            return TAKEN
        if by_provider:
            entry = self._entry(audit.PROVIDER, number)
            rooms.ask("firmware.access.reset", "use_up", self._desk, number, change, entry)
        else:
            self._state.put((change,), self._entry(audit.PASSWORD, number))
        return SET

    def _entry(self, event, number):
        return audit.entry(event, self._clock.now(), number)

    async def verifying(self, index, number, password, flags, iterations=0):
        """Return the change that stores an operator and what the password is checked against. The
        operator's card stays, and so does what is known of former passwords that were chosen.
        iterations: what it costs to try the first password of a terminal; the others cost as much.
        """
        state = self._state
        salt = None
        for known in (store.OPERATOR, store.OPERATOR + 1):
            stored = state.get(known)
            if stored is not None:
                _, _, iterations, salt, _ = struct.unpack_from(_LAYOUT, stored)
                break
        salt = salt or self._random(8)
        verifier = await self._verifier(password, salt, iterations)
        stored = struct.pack(_LAYOUT, number, flags, iterations, salt, verifier)
        before = state.get(store.OPERATOR + index)
        if before is not None and (len(before) > STORED_LEN or not before[FLAGS] & FIRST):
            stored = rooms.ask("firmware.access.former", "kept", before, stored)
        return store.OPERATOR + index, stored

    async def taken(self, number, password, made):
        """Tell whether it is somebody else's password; whose is never told. made: what `verifying`
        has made of it.
        """
        for index in range(store.OPERATORS):
            other = self._state.get(store.OPERATOR + index)
            if other is not None and other[:2] != number:
                if await self._same(other, password, made):
                    return True
        return False

    async def _same(self, stored, password, made):
        # Whether that is the password now of whom `stored` is of.
        if stored[ITERATIONS_AT:VERIFIER] == made[ITERATIONS_AT:VERIFIER]:
            return equal(stored[VERIFIER:STORED_LEN], made[VERIFIER:STORED_LEN], 16)
        _, _, iterations, salt, verifier = struct.unpack_from(_LAYOUT, stored)  # of older firmware
        return equal(await self._verifier(password, salt, iterations), verifier, 16)

    async def _verifier(self, password, salt, iterations):
        return await rooms.ask(
            "firmware.access.verifier", "run", password, salt, iterations, self._pepper
        )


async def set_password(desk, number, password, by_provider):
    """Do as `Operators.set_password`."""
    return await Operators(desk).set_password(number, password, by_provider)


def _find(state, number):
    return rooms.ask("firmware.access.numbers", "find", state, number)
