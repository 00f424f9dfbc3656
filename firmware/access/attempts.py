"""Failed attempts: of operators, of numbers that nobody has, of responses to a challenge.

What always holds: an attempt is counted before it is looked at, in the journal and in the
keystore, and of the two the larger count is believed: neither an older journal nor older key
storage gives new tries. Five lock for 30 minutes, each one after that for twice as long as the
one before, up to a day; only what is right ends the count, or the supervisor, or the provider. A
number that nobody has is counted like an operator's. Unless power or a memory has been meddled
with, the keystore never counts more than the journal.

Time without power is not counted, since nobody knows how long that was; time with power is, also
on a clock that is not known yet: no clock lets a lock end early, and none lets it last longer from
now than it was to last in all.

In the journal there is an item for four numbers, so that little is written: the last two bits of a
number with its failures(1), locked until(4), of each that has any. In the keystore number(1)
failures(1) of all of them. What the journal has torn or damaged at its end is one more failure of
them all, see `storage.turn`. May import rooms and storage.
"""

import struct

from micropython import const

from firmware import rooms
from firmware.storage import audit
from firmware.storage import state as store
from firmware.storage.journal import KEYS_FULL, StorageFault

RESETS = b"100"  # whose they are when they are of a challenge, whomever that is for

ATTEMPTS_MAX = const(5)
_SHORTEST_S = const(1800)
_LONGEST_S = const(86400)
_DOUBLINGS = const(6)  # to the longest
_NOTE_S = const(600)
_LAYOUT = ">BI"
_NOTE = "failures"  # in the keystore, see failed


def locked(desk, whose):
    """Return for how many minutes, begun ones counted whole, nothing of `whose` is looked at; 0
    when something is.

    whose: 2 ASCII digits, or RESETS. Where the keystore knows of a lock-out that the journal has
    lost it begins anew, durably.
    """
    state, now = desk.state, desk.clock.now()
    rooms.ask("firmware.access.counted_before", "take_over", state, now)
    failures, until = _counted(state, whose)
    noted = _noted(desk.board.keystore, whose)
    if noted > failures and noted >= ATTEMPTS_MAX:
        failures, until = noted, now + _lasts(noted)
        entry = audit.entry(audit.LOCKED, now, _name(whose), detail=b"set back")
        state.put(counting(state, whose, failures, until, now), entry)
    seconds = min(until - now, _lasts(failures))
    if seconds <= 0:
        return 0
    _note(desk.board.keystore, whose, failures)
    if now - state.number(store.TIME) >= _NOTE_S:
        state.put_number(store.TIME, now)  # so much of it is over, whatever power does
    return (seconds + 59) // 60


def count(desk, whose):
    """Count an attempt that is about to be looked at, durably. Raises StorageFault, NoRoom: it is
    not to be looked at then. Power loss leaves it counted, or not looked at.
    """
    state, keystore, now = desk.state, desk.board.keystore, desk.clock.now()
    torn = state.journal.torn
    if torn:
        state.put(())  # settles it, for all
    failures = max(_counted(state, whose)[0], _noted(keystore, whose), int(torn)) + 1
    failures = min(failures, store.FAILURES_MAX)
    until = now + _lasts(failures) if failures >= ATTEMPTS_MAX else 0
    state.put(counting(state, whose, failures, until, now))
    _note(keystore, whose, failures)


def left(desk, whose):
    """Return how many attempts are left before the first lock-out."""
    failures = max(_counted(desk.state, whose)[0], _noted(desk.board.keystore, whose))
    return max(0, ATTEMPTS_MAX - failures)


def over(desk, whose, changes, entry=None):
    """Make `changes` and `entry` true as `Journal.put` does, and the count of `whose` over with
    them. Power loss leaves what was, or all of it.
    """
    _note(desk.board.keystore, whose, 0)
    state = desk.state
    key, table, at = _place(state, whose)
    if at < len(table):
        table[at : at + store.ATTEMPTS_LEN] = b""
        changes = tuple(changes) + ((key, bytes(table) or None),)
    state.put(changes, entry)


def _lasts(failures):
    # The seconds of the lock-out that the last of them brought.
    if failures < ATTEMPTS_MAX:
        return 0
    return min(_SHORTEST_S << min(failures - ATTEMPTS_MAX, _DOUBLINGS), _LONGEST_S)


def _name(whose):
    return audit.NOBODY if whose == RESETS else whose


def _place(state, whose):
    # Under which key it is counted, what is stored there, and where in it it is or would be.
    number = int(whose)
    key = store.ATTEMPTS + number // 4
    table = bytearray(state.get(key) or b"")
    for at in range(0, len(table), store.ATTEMPTS_LEN):
        if table[at] >> 6 == number & 3:
            return key, table, at
    return key, table, len(table)


def _counted(state, whose):
    # Failures as the journal has them, and until when it is locked.
    _, table, at = _place(state, whose)
    if at == len(table):
        return 0, 0
    failures, until = struct.unpack_from(_LAYOUT, table, at)
    return failures & store.FAILURES_MAX, until


def counting(state, whose, failures, until, now):
    """Return the changes that count `failures` of `whose`, locked until then (0: it is not)."""
    key, table, at = _place(state, whose)
    counted = struct.pack(_LAYOUT, (int(whose) & 3) << 6 | failures, until)
    table[at : at + store.ATTEMPTS_LEN] = counted
    if not until:
        return ((key, bytes(table)),)
    # After a power cut the clock begins no earlier than this: the lock gets no longer.
    return (store.TIME, struct.pack(">I", now)), (key, bytes(table))


def _noted(keystore, whose):
    noted = keystore.get_bytes(_NOTE) or b""
    for at in range(0, len(noted), 2):
        if noted[at] == int(whose):
            return noted[at + 1]
    return 0


def _note(keystore, whose, failures):
    # Keep the failures in the keystore; 0: it has none any more.
    if _noted(keystore, whose) == failures:
        return
    noted, number = bytearray(), int(whose)
    before = keystore.get_bytes(_NOTE) or b""
    for at in range(0, len(before), 2):
        if before[at] != number:
            noted.extend(before[at : at + 2])
    if failures:
        noted.extend(bytes((number, failures)))
    try:
        if noted:
            keystore.put(_NOTE, noted)
        else:
            keystore.erase(_NOTE)
    except OSError:
        raise StorageFault(KEYS_FULL) from None
