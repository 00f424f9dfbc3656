"""A small shop whose settlement binding changes again and again, and what its days write.

What always holds: both stores are given the same bytes in the same order; nothing here is random,
so two runs write the same. Runs inside MicroPython.
"""

from firmware.binding import change, model
from firmware.binding.request import Request
from firmware.binding.storing import begin
from firmware.storage import audit
from firmware.storage import state as store

SLOT = 1
TIME = 1767225600  # 2026-01-01
OPERATOR = b"01"
SUPERVISOR = b"00"
SECRET = bytes(range(16))
LONGEST = bytes(300)  # in the place of a binding's TLVs

_STREETS = "东街口津泰路鼓屏道江滨八一五台茶亭"


class Keystore:
    """The keys that the journal seals and chains with, in memory."""

    def __init__(self):
        self._held = {"token_key": SECRET}

    def get_bytes(self, name):
        return self._held.get(name)

    def put(self, name, value):
        self._held[name] = value


def random(n):
    """Return `n` bytes for the journal's keys: always the same, so that runs can be compared."""
    return bytes(range(n))


def furniture():
    """Return what is stored before the first change: words, an operator and the supervisor."""
    verifier = b"\x00\x03\xe8" + bytes(range(24))  # must-change, iterations, salt, verifier
    return (
        (store.LANGUAGE, b"zh"),
        (store.TIME, TIME.to_bytes(4, "big")),
        (store.OPERATOR, SUPERVISOR + verifier),
        (store.OPERATOR + 1, OPERATOR + verifier),
    )


def crowd(state):
    """Store all there can be, each at its longest: four slots with their backups, a request under
    way, change records, operators and their failed attempts, networks.
    """
    put = state.put
    for slot in range(1, store.SLOTS + 1):
        for _ in range(2):
            put(state.binding_changes(slot, LONGEST))
    for index in range(store.OPERATORS):
        put(((store.OPERATOR + index, bytes(48)),))
    for key in range(5):
        put(((store.ATTEMPTS + key, bytes(4 * store.ATTEMPTS_LEN)),))
    put(((store.ATTEMPTS + 24, bytes(2 * store.ATTEMPTS_LEN)),))
    for index in range(store.NETWORKS):
        put(((store.NETWORK + index, bytes(97)),))
    for _ in range(store.CHANGE_RECORDS):
        put(state.change_record_changes(bytes(150)))
    put(((store.PENDING, bytes(47)), (store.PENDING_STATE, b"\2"), (store.PENDING_TLVS, LONGEST)))
    put(((store.LANGUAGE, b"zh"), (store.MERCHANT, bytes(30)), (store.NOTICE, b"\1")))
    put(((store.MERCHANT_NEW, b"\1"), (store.RESET, bytes(14))))
    for key in (store.TIME, store.STAN):
        state.put_number(key, 1)


def binding(i):
    """Return the TLVs of the `i`-th binding: a corporate account with every field that the
    terminal asks for, the name 10 characters long, the number 16 to 19 digits.
    """
    at = i % (len(_STREETS) - 3)
    digits = "%d%013d" % (622202 + i % 7, i * 7919 % 10**13)
    return model.compose(
        {
            model.NAME: ("福州" + _STREETS[at : at + 3] + "海鲜大酒楼").encode(),
            model.ACCOUNT: digits[: 16 + i % 4].encode(),
            model.CNAPS: b"102100099996",
            model.KIND: bytes((model.CORPORATE,)),
            model.LICENCE: b"91350100M000100Y43",
        }
    )


def told(i, tlvs):
    """Return the audit entry that rides with the `i`-th binding update."""
    detail = "%d %s" % (SLOT, model.masked(tlvs))
    return audit.entry(audit.TAKEN, TIME + i, OPERATOR, detail=detail.encode())


def update(store, i):
    """Make the `i`-th update: a log-in is recorded, two trace numbers are used, and the binding
    becomes true together with its audit entry, the one before staying as the backup.
    """
    store.record(audit.entry(audit.RIGHT, TIME + i, OPERATOR))
    store.next_stan()
    store.next_stan()
    tlvs = binding(i)
    store.bind(tlvs, told(i, tlvs))


class Host:
    """An acquirer that accepts the request with this STAN at once."""

    def __init__(self, stan):
        self._stan = stan

    def compose(self, how, secrets):
        """Nothing is sent."""

    async def ask(self):
        outcome = change.Outcome()
        outcome.event = change.ACTIVE
        outcome.code = b"00"
        outcome.reference = b"%012d" % self._stan
        outcome.application = "A2026%08d" % self._stan
        return outcome


class Clock:
    """The time of the shop."""

    def __init__(self):
        self.time = TIME

    def now(self):
        return self.time


async def whole_change(state, clock, i):
    """Make the `i`-th change as the terminal really does: operator and supervisor log in, each
    attempt counted first; the request is stored, marked as sent, and committed with its record.
    """
    clock.time = TIME + i
    for number in (SUPERVISOR, OPERATOR):
        counted = bytes((int(number) << 6 | 1, 0, 0, 0, 0))
        state.put(((store.ATTEMPTS, counted),))
        state.put(((store.ATTEMPTS, None),), audit.entry(audit.RIGHT, clock.time, number))
    request = Request(
        i.to_bytes(16, "big"),
        state.next_stan(),
        clock.time,
        model.CHANGE_ACCOUNT,
        SLOT,
        4,
        OPERATOR,
        True,
        bytes(8),
        binding(i),
    )
    changing = change.Change(state, clock)
    begin(changing, request)
    await changing.settle(Host(request.stan))
