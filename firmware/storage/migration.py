"""Reads what older firmware has left: its sectors, and its items brought to today's schema.

What always holds: nothing is written, and of the old sectors none is given up before today's first
one is whole. May import journal, frame, crypto.

Schema 2: sectors of one block, read by `reader` as today's are; eight operators, whose numbers and
attempts had other keys.

Schema 1: a sector's header is `RBJ` 1, order(4), mark(4), CMAC(8); the mark is 0 once the sector
holds all that lived in the one to be erased next, and all sectors together are the state. An item:
key(1) length(2) value, FFFF deletes. The request under way is one item, its binding behind 38
bytes.
"""

from micropython import const

from firmware.crypto.compare import equal
from firmware.crypto.seal import unseal
from firmware.storage import frame as frames
from firmware.storage import state as store
from firmware.storage.journal import FLASH_FULL, ITEM_MAX, PLACE, SIZE, StorageFault

_HEADER = const(20)
_HEAD = const(8)
_MAC = const(8)
_RECORD_MAX = const(640)
_DELETE = const(0xFFFF)
_REQUEST_LEN = const(38)
_OPERATOR = const(0x40)  # of schemas 1 and 2
_ATTEMPTS = const(0x50)
_OPERATORS = const(8)


def renumber(index):
    """Bring the keys of an index (see Journal) of schema 2 to schema 3."""
    for at in range(0, len(index), PLACE):
        index[at] = _key(index[at])


def _key(key):
    if _OPERATOR <= key < _OPERATOR + _OPERATORS:
        return key - _OPERATOR + store.OPERATOR
    if _ATTEMPTS <= key < _ATTEMPTS + _OPERATORS:
        return key - _ATTEMPTS + store.FORMER_ATTEMPTS
    return key


def _from_1(items):
    request = items.pop(store.PENDING, None)
    if request is not None:
        items[store.PENDING] = request[:_REQUEST_LEN]
        items[store.PENDING_TLVS] = request[_REQUEST_LEN:]
    held = sum(2 + len(value) for value in items.values())
    count = int.from_bytes(items.get(store.CHANGE_RECORD_COUNT, b"\0"), "big")
    for number in range(count, count + store.CHANGE_RECORDS):  # the oldest first
        key = store.CHANGE_RECORD + number % store.CHANGE_RECORDS
        record = items.get(key)
        if record is not None and (len(record) > ITEM_MAX or held > store.ROOM):
            held -= 2 + len(items.pop(key))


def mount(journal):
    """Take over a state of schema 1 for `journal`, whose next record begins a sector of its own.

    All of its values are in memory until then. Raises StorageFault when there is none.
    """
    old = _Layout1(journal)
    found = []
    for sector in range(journal.sectors):
        order, complete = old.header(sector)
        if order:
            found.append((order, sector, complete))
    found.sort()
    if len(found) > 1 and not found[-1][2]:
        found.pop()  # begun, never completed: copies only
    if not found or not found[-1][2]:
        raise StorageFault
    for _, sector, _ in found:
        old.replay(sector)
    items = old.items
    _from_1(items)
    journal.items = {_key(key): value for key, value in items.items()}
    # Only sectors between `head` and `base` may be used until today's first is whole.
    taken = [sector for _, sector, _ in found]
    head = found[-1][1]
    while (head + 1) % journal.sectors in taken:
        head = (head + 1) % journal.sectors
        if head == found[-1][1]:
            raise StorageFault(FLASH_FULL)
    base = (head + 1) % journal.sectors
    while base not in taken:
        base = (base + 1) % journal.sectors
    journal.resume(base, head, SIZE, 0, old.sequence, 0, bytes(8))


class _Layout1:
    """The sectors of schema 1."""

    def __init__(self, journal):
        self.journal = journal
        self.frame = frames.Frame(journal)
        self.items = {}
        self.sequence = 0
        self.buf = bytearray(_RECORD_MAX)

    def header(self, sector):
        """Return the sector's order, 0 when it has no header, and whether it is complete."""
        view = memoryview(self.buf)[:_HEADER]
        self.journal.flash.read(sector, 0, view)
        if view[:4] != b"RBJ\x01" or not self._is_authentic(sector, 0, 8, 12):
            return 0, False
        return int.from_bytes(bytes(view[4:8]), "big"), view[8:12] == bytes(4)

    def replay(self, sector):
        """Apply the whole records of a sector; a torn one is skipped."""
        buf = self.buf
        view = memoryview(buf)
        flash = self.journal.flash
        at = _HEADER
        while at + _HEAD + 16 + _MAC <= flash.sector_size:
            flash.read(sector, at, view[:_HEAD])
            total = buf[0] << 8 | buf[1]
            body = total - _HEAD - _MAC
            if total > _RECORD_MAX or at + total > flash.sector_size or body < 16 or body % 16:
                break
            flash.read(sector, at + _HEAD, view[_HEAD:total])
            sequence = int.from_bytes(bytes(view[4:8]), "big")
            if self._is_authentic(sector, at, total - _MAC, total - _MAC):
                if sequence > self.sequence:
                    self.sequence = sequence
                    self._apply(sector, at, body)
            at += total
        for i in range(len(buf)):
            buf[i] = 0

    def _is_authentic(self, sector, at, n, tag_at):
        frame = self.frame
        place = bytes((sector >> 8, sector & 0xFF, at >> 8, at & 0xFF))
        frame.cmac.start()
        frame.cmac.update(place, 0, 4)
        frame.cmac.update(self.buf, 0, n)
        frame.cmac.finish(frame.out, 0)
        return equal(frame.out, memoryview(self.buf)[tag_at : tag_at + _MAC], _MAC)

    def _apply(self, sector, at, body):
        journal, frame, buf = self.journal, self.frame, self.buf
        mark = b"iv" + buf[4:8] + bytes((sector >> 8, sector & 0xFF, at >> 8, at & 0xFF))
        frame.cmac.start()
        frame.cmac.update(mark, 0, len(mark))
        frame.cmac.finish(frame.out, 0)
        n = unseal(journal.seal_key, frame.out, buf, _HEAD, body)
        if buf[2] != 1 or n < 0:
            raise StorageFault
        pos, end = _HEAD, _HEAD + n
        while pos < end:
            size = buf[pos + 1] << 8 | buf[pos + 2]
            if size == _DELETE:
                self.items.pop(buf[pos], None)
                size = 0
            else:
                self.items[buf[pos]] = bytes(memoryview(buf)[pos + 3 : pos + 3 + size])
            pos += 3 + size
