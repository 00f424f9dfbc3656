"""Everything the terminal keeps: one state, and a transition is one journal record.

Key numbers are never reused for something else. Which of the values are in memory `writer.kept`
says. May import rooms.
"""

import struct

from micropython import const

from firmware import rooms

SLOTS = const(4)
OPERATORS = const(22)  # the supervisor, twenty more, and last the system administrator
NETWORKS = const(4)
CHANGE_RECORDS = const(8)  # change records kept on the terminal, as far as there is room

# key                                   what is stored under it
LANGUAGE = const(0x01)  # "zh" or "en"
MERCHANT = const(0x02)  # merchant number, 15 ASCII, once another was given; then the one before
STAN = const(0x03)  # (4) the STAN up to which numbers are reserved
TIME = const(0x04)  # (4) last known time, Unix epoch
NOTICE = const(0x05)  # (1) a request ended unseen: by which event (or 0 refused, 1 accepted)
UPLOADED = const(0x06)  # (4) the audit entry up to which the acquirer has them, or they are lost
MERCHANT_NEW = const(0x07)  # (1) the merchant number is another, and 00 has yet to see it
CURRENT = const(0x10)  # + slot: which of the two places holds the current binding, 1 byte
PLACE_A = const(0x18)  # + slot: a binding, its TLVs DF30-DF37
PLACE_B = const(0x20)  # + slot: the same; the place that isn't current is the backup
PENDING = const(0x30)  # the request under way but for its binding, see binding.request
PENDING_STATE = const(0x31)  # (1) its state in binding.change; when held the DE 39 that did it
PENDING_TLVS = const(0x32)  # its binding, to be moved to its place when it is accepted
CHANGE_RECORD = const(
    0x60
)  # + sequence % CHANGE_RECORDS: a change record, see binding.change_record
CHANGE_RECORD_COUNT = const(0x70)  # (4) change records written so far
# 0x7F is the journal's own: sectors that are no longer used
OPERATOR = const(0x80)  # + index: an operator's number, flags, password verifier, card
FORMER_ATTEMPTS = const(0xA0)  # + index: failed attempts (1), locked until (4), as once counted
NETWORK = const(0xC0)  # + index: a network's name and password
RESET = const(0xC8)  # the challenge that the provider is to answer, see access.reset
BUILD = const(0xC9)  # (8) of the hash of the build that the audit log was last told of
ATTEMPTS = const(0xD0)  # + number // 4: failed attempts, see access.attempts
# 0x40 and 0x50 were operators and attempts up to schema 2, 0xB8 those of numbers that nobody has;
# from 0xFC on are the journal's marks

ATTEMPTS_KEYS = const(26)
ATTEMPTS_LEN = const(5)  # of each number: its last two bits and failures(6 bits), locked until(4)
FAILURES_MAX = const(63)

ROOM = const(5480)  # bytes of items up to which change records are kept; the newest always is

_STAN_AHEAD = const(64)


class State:
    """The durable state in named pieces.

    flash: the journal's block device. keystore: holds the sealing keys and the token key, which
    chains the audit log. random: random(n) -> bytes. Raises StorageFault when a state exists but
    can't be read, or when there is no token key: the device needs service. NoRoom when memory is
    full: what there is stays.
    """

    def __init__(self, flash, keystore, random):
        self.journal = rooms.ask("firmware.storage.recovery", "recover", flash, keystore, random)
        self.get = self.journal.get
        self.has = self.journal.has
        self.put = self.journal.put
        self._stan = self._stan_limit = self.number(STAN)

    def number(self, key):
        """Return the 4-byte number under `key`, 0 when there is none."""
        value = self.get(key)
        return 0 if value is None else struct.unpack(">I", value)[0]

    def put_number(self, key, value):
        """Store a 4-byte number."""
        self.put(((key, struct.pack(">I", value)),))

    def next_stan(self):
        """Return the next system trace audit number, 1-999999.

        A range is reserved ahead: power loss leaves a gap, never a repetition. Raises what `put`
        raises: no number has been used then.
        """
        stan = self._stan % 999999 + 1
        if self._stan == self._stan_limit:
            limit = (self._stan + _STAN_AHEAD) % 999999
            self.put_number(STAN, limit)
            self._stan_limit = limit
        self._stan = stan % 999999
        return stan

    # -- bindings --------------------------------------------------------------------------------

    def _place(self, slot, current):
        which = self.get(CURRENT + slot)
        if which is None:
            return None
        return (PLACE_A if (which[0] == 0) == current else PLACE_B) + slot

    def binding(self, slot):
        """Return the TLVs of the slot's current binding, or None."""
        place = self._place(slot, True)
        return None if place is None else self.get(place)

    def backup(self, slot):
        """Return the TLVs of the binding before the current one, or None."""
        place = self._place(slot, False)
        return None if place is None else self.get(place)

    def binding_changes(self, slot, tlvs):
        """Return the changes that make `tlvs` the slot's binding and keep the old one as backup.

        tlvs: bytes, or the key under which they are stored already and from which they move.
        To be put together with whatever else becomes true at the same moment.
        """
        which = self.get(CURRENT + slot)
        other = 0 if which is None else 1 - which[0]
        place = (PLACE_B if other else PLACE_A) + slot
        return [(place, tlvs), (CURRENT + slot, bytes((other,)))]

    # -- change records --------------------------------------------------------------------------

    def change_record_changes(self, record):
        """Return the changes that add a change record; the oldest give way when room is short."""
        count = self.number(CHANGE_RECORD_COUNT)
        key = CHANGE_RECORD + count % CHANGE_RECORDS
        changes = [(key, record), (CHANGE_RECORD_COUNT, struct.pack(">I", count + 1))]
        journal = self.journal
        room = ROOM - journal.size() - len(record)
        for key in range(count + 1, count + CHANGE_RECORDS):
            key = CHANGE_RECORD + key % CHANGE_RECORDS
            at = journal.place(key)
            if room < 0 and at >= 0:
                changes.append((key, None))
                room += 2 + journal.length(at)
        return changes

    def change_records(self):
        """Return the change records kept, newest first."""
        count = self.number(CHANGE_RECORD_COUNT)
        kept = []
        for i in range(count - 1, max(-1, count - 1 - CHANGE_RECORDS), -1):
            value = self.get(CHANGE_RECORD + i % CHANGE_RECORDS)
            if value is not None:
                kept.append(value)
        return kept
