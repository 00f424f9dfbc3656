"""Finds the last true state at start, and begins the first one.

What always holds: mounting writes nothing, so it may be interrupted at any point and any number of
times; it reads every sector's header, then the newest sector whose state is whole and what is
newer; a state that can't be read is left as it is, for service. (Only what firmware of schema 1
left is written anew at once.) May import rooms and the rest of storage.
"""

import struct

from micropython import const

from firmware import rooms
from firmware.storage import audit, pen, replay
from firmware.storage import frame as frames
from firmware.storage import state as store
from firmware.storage.journal import (
    CHANGE,
    ENTRY,
    FLASH_MISSING,
    KEYS_FULL,
    KEYS_MISSING,
    LAST,
    SCHEMA,
    SIZE,
    START,
    STATE_GONE,
    STATE_NEWER,
    Journal,
    StorageFault,
)
from firmware.storage.writer import Draft

_UNKNOWN = const(-1)
_FORMATTED = "journal"  # the keystore's note that there is a state: it is never formatted again


def recover(flash, keystore, random):
    """Return the journal on `flash` with its last true state, or with the first one, begun now.

    Raises StorageFault when flash, keystore or a key is missing, the keystore takes no more, a
    state exists but can't be read, or there was one with these keys of the acquirer. Power loss at
    the first start lets it begin again.
    """
    journal = Journal(flash, *_secrets(flash, keystore, random))
    _begin(journal, keystore)
    return journal


def _secrets(flash, keystore, random):
    # The journal's three keys; the sealing keys are made here, before there is a state.
    if keystore is None:
        raise StorageFault(KEYS_MISSING)
    if flash is None:
        raise StorageFault(FLASH_MISSING)
    formatted = keystore.get_bytes(_FORMATTED) is not None
    found = []
    for name in ("seal_key", "mac_key", "token_key"):
        secret = keystore.get_bytes(name)
        if secret is None:
            if formatted or name == "token_key":
                raise StorageFault(KEYS_MISSING)
            secret = random(16)
            _keep(keystore, name, secret)
        found.append(secret)
    return found


def _keep(keystore, name, value):
    try:
        keystore.put(name, value)
    except OSError:
        raise StorageFault(KEYS_FULL) from None


def _begin(journal, keystore):
    if keystore.get_bytes(_FORMATTED) is not None:
        _note_lost(journal, mount(journal) - 1)
    elif keystore.get_bytes("dukpt") is not None:
        raise StorageFault(STATE_GONE)  # these keys have had a state: only new ones begin another
    else:
        format(journal)
        journal.put((), audit.entry(audit.FORMATTED, 0))
        _keep(keystore, _FORMATTED, b"\x01")


def _note_lost(journal, lost):
    # Audit entries up to the number `lost` have given way: the log itself says so if the acquirer
    # never had them.
    get = journal.items.get
    if lost > int.from_bytes(get(store.UPLOADED, b"\0"), "big"):
        time = int.from_bytes(get(store.TIME, b"\0"), "big")
        entry = audit.entry(audit.LOST, time, detail=b"%d" % lost)
        try:
            journal.put(((store.UPLOADED, struct.pack(">I", lost)),), entry)
        except StorageFault:
            pass  # the flash takes no more: whoever writes is told, whoever reads can go on


def mount(journal):
    """Find the last true state; return the number of the oldest audit entry still there.

    Raises StorageFault when no state of ours can be read, or one of a newer schema; the flash is
    then left as it is.
    """
    try:
        return _mount(journal)
    except OSError:
        raise StorageFault(FLASH_MISSING) from None


def format(journal):
    """Erase every sector and begin the first. Only for a device that never held a state.

    Power loss leaves flash that is to be formatted again. Raises StorageFault when no sector is
    good.
    """
    order = 0
    frame = frames.Frame(journal)
    for block in range(journal.sectors):
        try:
            if not pen.blank(journal.flash, block):
                journal.flash.erase(block)
            found = replay.header(frame, block)
            order = max(order, found[0] if found else 0)  # one that does not erase is outrun
        except OSError:
            pass  # a bad sector: found out, and retired, when its turn comes
    journal.items = {}
    journal.index = b""
    journal.resume(-1, -1, SIZE, order, 0, 0, bytes(8))
    rooms.ask("firmware.storage.turn", "begin", journal)


def _mount(journal):
    frame = frames.Frame(journal)
    known, layouts = replay.sectors(frame)
    found = _guessed(journal, known, layouts)
    layouts = None
    first = len(found)
    whole = False
    while not whole:
        first -= 1
        if first < 0:
            return _older_layout(journal)
        replayed = _Replay(frame)
        whole = replayed.sector(found[first] >> 8, found[first] & 0xFF, True)
    order = found[first] >> 8
    base = head = found[first] & 0xFF
    pos = replayed.free
    orders = {base: order}
    torn = replayed.torn
    for newer in found[first + 1 :]:
        replayed.sector(newer >> 8, newer & 0xFF, False)
        if replayed.changed:
            head = newer & 0xFF
            orders[head] = newer >> 8
        if replayed.used:
            order = newer >> 8
            pos = SIZE
            torn = True
    replayed.migrate(SCHEMA)
    if replayed.migrated:
        pos = SIZE  # a sector holds one schema
    journal.items = replayed.draft.items
    journal.index = replayed.draft.index
    journal.orders = orders
    journal.torn = torn
    journal.resume(base, head, pos, order, replayed.sequence, replayed.number, replayed.chain)
    return replay.header(frame, replay.log(frame, known)[0] & 0xFF)[2] + 1


def _guessed(journal, known, layouts):
    # A header damaged since: its sector was begun after the one before, which is one block before
    # it or two. If it was not, nothing in it is authentic.
    orders = {place & 0xFF: place >> 8 for place in known}
    found = list(known)
    blocks = journal.sectors
    for sector in range(blocks):
        if sector in orders or layouts.get(sector - 1) == 3:
            continue
        for before in ((sector - 1) % blocks, (sector - 2) % (blocks & 0xFE)):
            if before in orders and not pen.blank(journal.flash, sector):
                found.append(orders[before] + 1 << 8 | sector)
    found.sort()
    return found


def _older_layout(journal):
    rooms.ask("firmware.storage.migration", "mount", journal)
    # From memory: of the old sectors none is given up before.
    rooms.ask("firmware.storage.turn", "begin", journal)
    return _mount(journal)


class _Replay:
    """What a sequence of sectors amounts to: a draft of the state."""

    def __init__(self, frame):
        self.frame = frame
        self.draft = Draft({}, b"")
        self.schema = _UNKNOWN
        self.migrated = False
        self.sequence = self.number = 0
        self.chain = bytes(8)

    def sector(self, order, sector, first):
        """Apply the whole records of a sector; return whether its state is whole.

        first: it is the first one. Of others only what has been changed counts: their state is a
        copy of what is known, and they may be erased before that is.
        `free` is then where the next record may go, `used` whether anything of ours was found,
        `changed` whether a transition was, `torn` whether the last write was not finished, or
        something before it is damaged.
        """
        frame = self.frame
        header = replay.header(frame, sector)
        if header and first:
            _, self.sequence, self.number, self.chain, _ = header
        expected = header[1] + 1 if header else _UNKNOWN
        last = replay.end(frame, sector)
        whole = self.changed = damaged = False
        self.used = header is not None
        free = 0
        behind = START
        for start, free, schema, flags, sequence, items in replay.records(
            frame, sector, order, last
        ):
            damaged = damaged or start != behind
            behind = free
            if sequence <= self.sequence:
                continue  # from before what is already known
            kind = flags & 3
            if kind != CHANGE:
                whole = whole or kind == LAST and sequence == expected
                expected = expected + 1 if sequence == expected else _UNKNOWN
            self.used = True
            self.sequence = sequence
            self.migrate(schema)
            self.number += ((flags >> 2) - self.number) & 63  # some were lost with their record
            if kind == CHANGE or first:
                self.changed = self.changed or kind == CHANGE
                self.apply(items, sector, start)
            items = None  # one record at a time
        self.torn = damaged or last > free
        self.free = SIZE if self.torn else free
        return whole

    def apply(self, items, sector, offset):
        """Make the changes of one record: all, or none when what it moves has been lost."""
        draft = self.draft
        lost = False
        for key, value, _ in items:
            if key == ENTRY:
                self.number += 1
                self.chain = frames.chained(self.frame.journal, self.chain, self.number, value)
            elif isinstance(value, int) and not draft.can_move(value, key):
                lost = True
        for key, value, start in () if lost else items:
            if key != ENTRY:
                draft.change(key, value, sector, offset, start)

    def migrate(self, schema):
        """Bring what is drafted to `schema`. Raises StorageFault when it is newer than this
        firmware.
        """
        if schema > SCHEMA:
            raise StorageFault(STATE_NEWER)
        if self.schema not in (_UNKNOWN, schema):
            rooms.ask("firmware.storage.migration", "renumber", self.draft.index)
            self.migrated = True
        self.schema = schema
