"""Operators, their passwords and the lock-out.

What always holds: an attempt is counted on flash before the password is looked at; five wrong ones
lock the operator for 30 minutes of the terminal's clock, also when that is set or begins again
meanwhile; a number that nobody has is counted and locked like an operator's, so that who tries
numbers is not told which there are; a first password opens nothing but its own change. Follows PCI
DSS 4.0.1 8.3.4 (lock-out) and 8.3.6 (strength), without claiming certification. May import
rooms, crypto and storage.
"""

import struct

from micropython import const

from firmware import rooms
from firmware.crypto.compare import equal
from firmware.storage import audit
from firmware.storage import state as keys

GRANTED = const(0)
MUST_CHANGE = const(1)  # right, but it is the first one
WRONG = const(2)
LOCKED = const(3)

ATTEMPTS_MAX = const(5)
LOCK_MIN = const(30)  # minutes
_ITERATIONS = const(1000)
_LAYOUT = ">2sBH8s16s"  # number, must-change, iterations, salt, verifier
_STORED_LEN = const(29)
STRANGER_LEN = const(5)  # number, then failures or locked until


class Operators:
    """The operators of this terminal.

    desk: gives state, clock and board; the board's keystore holds this device's pepper, so that
    what is on flash can't be tried elsewhere.
    """

    def __init__(self, desk):
        self._state = desk.state
        self._pepper = desk.board.keystore.get_bytes("mac_key")
        self._clock = desk.clock
        self._random = desk.board.random

    async def check(self, number, password):
        """Check an operator's password; the attempt is counted durably first.

        number: 2 ASCII digits. password: bytearray, left to the caller to wipe. Returns GRANTED,
        MUST_CHANGE, WRONG or LOCKED. Power loss during the check leaves the attempt counted; a
        write that power loss had cut before counts as one more.
        """
        failures, until = self._attempts(number)
        if self._clock.now() < until:
            return LOCKED
        if failures >= ATTEMPTS_MAX:
            failures = 0  # the lock has run out
        failures += 1
        journal = self._state.journal
        if journal.torn:
            journal.torn = False
            failures += 1
        until = 0
        changes = []
        if failures >= ATTEMPTS_MAX:
            until = self._clock.now() + 60 * LOCK_MIN
            # After a power cut the clock begins no earlier than this: the lock gets no longer.
            changes.append((keys.TIME, struct.pack(">I", self._clock.now())))
        changes.append(self._counted(number, failures, until))
        self._state.put(changes)
        index = self._index(number)
        stored = bytes(_STORED_LEN) if index < 0 else self._state.get(keys.OPERATOR + index)
        _, must_change, iterations, salt, verifier = struct.unpack(_LAYOUT, stored)
        tried = await self._verifier(password, salt, iterations or _ITERATIONS)
        if not equal(tried, verifier, 16) or index < 0:
            self._tell(audit.LOCKED if until else audit.WRONG, number, ())
            return LOCKED if until else WRONG
        self._tell(audit.RIGHT, number, ((keys.ATTEMPTS + index, None),))
        return MUST_CHANGE if must_change else GRANTED

    async def set_password(self, number, password):
        """Store a new password; return False, and store nothing, when it is the one before.

        Power loss leaves the old one or the new one.
        """
        index = self._index(number)
        _, _, iterations, salt, verifier = struct.unpack(
            _LAYOUT, self._state.get(keys.OPERATOR + index)
        )
        if equal(await self._verifier(password, salt, iterations), verifier, 16):
            return False
        change = await self.verifying(index, number, password, False)
        self._tell(audit.PASSWORD, number, (change,))
        return True

    def attempts_left(self, number):
        """Return how many attempts are left before the lock-out."""
        return max(0, ATTEMPTS_MAX - self._attempts(number)[0])

    def minutes_locked(self, number):
        """Return for how many minutes, begun ones counted whole, the lock-out still holds."""
        left = self._attempts(number)[1] - self._clock.now()
        return (left + 59) // 60 if left > 0 else 0

    def _index(self, number):
        for index in range(keys.OPERATORS):
            stored = self._state.get(keys.OPERATOR + index)
            if stored is not None and stored[:2] == number:
                return index
        return -1

    def _attempts(self, number):
        # Failures, and until when it is locked.
        index = self._index(number)
        if index >= 0:
            stored = self._state.get(keys.ATTEMPTS + index)
            return (0, 0) if stored is None else struct.unpack(">BI", stored)
        stored = self._state.get(keys.STRANGERS) or b""
        at = _place(stored, number)
        value = struct.unpack_from(">I", stored, at + 1)[0] if at < len(stored) else 0
        return (value, 0) if value < ATTEMPTS_MAX else (ATTEMPTS_MAX, value)

    def _counted(self, number, failures, until):
        # The change that keeps them.
        index = self._index(number)
        if index >= 0:
            return keys.ATTEMPTS + index, struct.pack(">BI", failures, until)
        stored = bytearray(self._state.get(keys.STRANGERS) or b"")
        at = _place(stored, number)
        if at == len(stored):
            stored.extend(bytes(STRANGER_LEN))
        struct.pack_into(">BI", stored, at, int(number), until or failures)
        return keys.STRANGERS, bytes(stored)

    def _tell(self, event, number, changes):
        self._state.put(changes, audit.entry(event, self._clock.now(), number))

    async def verifying(self, index, number, password, must_change):
        """Return the change that stores an operator and what the password is checked against."""
        salt = self._random(8)
        verifier = await self._verifier(password, salt, _ITERATIONS)
        stored = struct.pack(_LAYOUT, number, must_change, _ITERATIONS, salt, verifier)
        return keys.OPERATOR + index, stored

    async def _verifier(self, password, salt, iterations):
        return await rooms.ask(
            "firmware.access.verifier", "run", password, salt, iterations, self._pepper
        )


async def check(desk, number, password):
    """Do as `Operators.check`; return what that does, and how many attempts are left, or minutes
    until there are some.
    """
    people = Operators(desk)
    result = await people.check(number, password)
    if result == LOCKED:
        return result, people.minutes_locked(number)
    return result, people.attempts_left(number)


async def set_password(desk, number, password):
    """Do as `Operators.set_password`."""
    return await Operators(desk).set_password(number, password)


def _place(strangers, number):
    # Where the number is kept, or would be.
    for at in range(0, len(strangers), STRANGER_LEN):
        if strangers[at] == int(number):
            return at
    return len(strangers)
