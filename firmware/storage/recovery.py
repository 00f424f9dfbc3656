"""Finds the last true state at start, and begins the first one.

What always holds: mounting writes nothing, so it may be interrupted at any point and any number of
times; it reads every sector's header, then the newest sector whose state is whole and what is
newer; a state that can't be read is left as it is, for service. In memory only at start. May
import the rest of storage; migration only for a state of older firmware.
"""

import struct

from micropython import const

from firmware.storage import audit, reader, writer
from firmware.storage import frame as frames
from firmware.storage import state as keys
from firmware.storage.journal import CHANGE, ENTRY, LAST, SCHEMA, StorageFault

_UNKNOWN = const(-1)
_FORMATTED = "journal"  # the keystore's note that there is a state: it is never formatted again


def secrets(flash, keystore, random):
    """Return the journal's three keys; the sealing keys are made here, before there is a state.

    Raises StorageFault when flash, keystore or a key is missing.
    """
    if flash is None or keystore is None:
        raise StorageFault
    formatted = keystore.get_bytes(_FORMATTED) is not None
    found = []
    for name in ("seal_key", "mac_key", "token_key"):
        secret = keystore.get_bytes(name)
        if secret is None:
            if formatted or name == "token_key":
                raise StorageFault
            secret = random(16)
            keystore.put(name, secret)
        found.append(secret)
    return found


def begin(journal, keystore):
    """Find the journal's last true state, or begin the first one, once.

    Raises StorageFault when a state exists but can't be read. Power loss at the first start lets
    it begin again.
    """
    try:
        if keystore.get_bytes(_FORMATTED) is not None:
            _note_lost(journal, mount(journal) - 1)
        else:
            format(journal)
            journal.put((), audit.entry(audit.FORMATTED, 0))
            keystore.put(_FORMATTED, b"\x01")
    finally:
        journal.frame = None


def _note_lost(journal, lost):
    # Audit entries up to the number `lost` have given way: the log itself says so if the acquirer
    # never had them.
    get = journal.items.get
    if lost > int.from_bytes(get(keys.UPLOADED, b"\0"), "big"):
        time = int.from_bytes(get(keys.TIME, b"\0"), "big")
        entry = audit.entry(audit.LOST, time, detail=b"%d" % lost)
        journal.put(((keys.UPLOADED, struct.pack(">I", lost)),), entry)


def mount(journal):
    """Find the last true state; return the number of the oldest audit entry still there.

    Raises StorageFault when no state of ours can be read, or one of a newer schema; the flash is
    then left as it is.
    """
    try:
        return _mount(journal)
    except OSError:
        raise StorageFault from None


def format(journal):
    """Erase every sector and begin the first. Only for a device that never held a state.

    Power loss leaves flash that is to be formatted again. Raises StorageFault when no sector is
    good.
    """
    order = 0
    for sector in range(journal.sectors):
        try:
            if not frames.blank(journal.flash, sector):
                journal.flash.erase(sector)
            found = reader.header(journal, sector)
            order = max(order, found[0] if found else 0)  # one that does not erase is outrun
        except OSError:
            pass  # a bad sector: found out, and retired, when its turn comes
    journal.items.clear()
    journal.resume(-1, -1, journal.flash.sector_size, order, 0, 0, bytes(8))
    writer.advance(journal)


def _mount(journal):
    known = reader.sectors(journal)
    found = _guessed(journal, known)
    first = len(found)
    whole = False
    while not whole:
        first -= 1
        if first < 0:
            return _older_layout(journal)
        replay = _Replay(journal)
        whole = replay.sector(found[first] >> 8, found[first] & 0xFF)
    order = found[first] >> 8
    base = head = found[first] & 0xFF
    pos = replay.free
    for newer in found[first + 1 :]:
        replay.sector(newer >> 8, newer & 0xFF)
        if replay.changed:
            head = newer & 0xFF
        if replay.used:
            order = newer >> 8
            pos = journal.flash.sector_size
    replay.migrate(SCHEMA)
    if replay.migrated:
        pos = journal.flash.sector_size  # a sector holds one schema
    journal.resume(base, head, pos, order, replay.sequence, replay.number, replay.chain)
    return reader.header(journal, reader.log(journal, known)[0] & 0xFF)[2] + 1


def _guessed(journal, known):
    # A header damaged since: its sector was begun after the one before. If it was not, nothing in
    # it is authentic.
    orders = [0] * journal.sectors
    for place in known:
        orders[place & 0xFF] = place >> 8
    found = list(known)
    for sector in range(journal.sectors):
        if not orders[sector] and orders[sector - 1] and not frames.blank(journal.flash, sector):
            found.append(orders[sector - 1] + 1 << 8 | sector)
    found.sort()
    return found


def _older_layout(journal):
    from firmware.storage import migration

    migration.mount(journal)
    return 1


class _Replay:
    """What a sequence of sectors amounts to, applied to the journal's items."""

    def __init__(self, journal):
        self.journal = journal
        self.items = journal.items
        self.items.clear()
        self.schema = _UNKNOWN
        self.migrated = False
        self.sequence = self.number = 0
        self.chain = bytes(8)

    def sector(self, order, sector):
        """Apply the whole records of a sector; return whether its state is whole.

        `free` is then where the next record may go, `used` whether anything of ours was found,
        `changed` whether a transition was.
        """
        journal = self.journal
        header = reader.header(journal, sector)
        if header and self.schema == _UNKNOWN:
            _, self.sequence, self.number, self.chain = header
        expected = header[1] + 1 if header else _UNKNOWN
        last = reader.end(journal, sector)
        whole = self.changed = False
        self.used = header is not None
        free = 0
        for at, schema, flags, sequence, items in reader.records(journal, sector, order, last):
            free = at
            if sequence <= self.sequence:
                continue  # from before what is already known
            kind = flags & 3
            if kind != CHANGE:
                whole = whole or kind == LAST and sequence == expected
                expected = expected + 1 if sequence == expected else _UNKNOWN
            self.used = True
            self.changed = self.changed or kind == CHANGE
            self.sequence = sequence
            self.migrate(schema)
            self.number += ((flags >> 2) - self.number) & 63  # some were lost with their record
            self.apply(items)
        self.free = free if last <= free else journal.flash.sector_size
        return whole

    def apply(self, items):
        """Make the changes of one record: all, or none when what it moves has been lost."""
        lost = False
        for key, value in items:
            if key == ENTRY:
                self.number += 1
                self.chain = frames.chained(self.journal, self.chain, self.number, value)
            elif isinstance(value, int) and value not in self.items:
                lost = True
        for key, value in () if lost else items:
            if value is None:
                self.items.pop(key, None)
            elif key != ENTRY:
                self.items[key] = self.items.pop(value) if isinstance(value, int) else value

    def migrate(self, schema):
        """Bring the items to `schema`. Raises StorageFault when it is newer than this firmware."""
        if schema > SCHEMA:
            raise StorageFault
        if self.schema not in (_UNKNOWN, schema):
            from firmware.storage import migration

            migration.migrate(self.items, self.schema, schema)
            self.migrated = True
        self.schema = schema
