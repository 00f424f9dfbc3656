"""Writes what changes: one record at the head of the journal.

What always holds: see journal. What the record will have made true is drafted before its first
byte is programmed, and taken over once it has been read back. May import journal, frame, pen.
"""

from struct import pack

from firmware.storage import frame as frames
from firmware.storage import pen
from firmware.storage.journal import (
    CHANGE,
    DELETE,
    ENTRY,
    HEAD,
    MOVE,
    PLACE,
    PLACED,
    RECORD_MAX,
    SIZE,
    STATE_MAX,
    Journal,
)


def write(journal, changes, entry):
    """Make `changes` and `entry` true as `Journal.put` promises; return False when the head has no
    room for them or does not hold them: the next sector is to be begun first.
    """
    head, pos = journal.head, journal.pos
    size = pen.sealed(HEAD + _size(changes) + (0 if entry is None else 2 + len(entry)))
    if size > RECORD_MAX:
        raise ValueError("record")
    frame = frames.Frame(journal, size)
    draft = Draft(journal.items, journal.index)
    end = _compose(journal, frame.buf, draft, changes, entry)
    if journal.size() + end > STATE_MAX:
        raise ValueError("state")
    if pos + pen.sealed(end) > SIZE:
        return False
    number, chain = journal.number, journal.chain
    if entry is not None:
        number += 1
        chain = frames.chained(journal, chain, number, entry)
    items, index = draft.items, draft.index
    total = pen.seal(frame, head, pos, journal.orders[head], end, CHANGE)
    record = memoryview(frame.buf)[:total]
    after = pos + total
    journal.pos = SIZE  # nothing may follow what is torn
    if not pen.write(journal.flash, head, pos, record, frame.out):
        pen.retire(journal, head)
        return False
    journal.pos = after
    journal.items = items
    journal.index = index
    journal.number = number
    journal.chain = chain
    return True


def _size(changes):
    # The bytes that the changes take at most.
    size = 0
    for _, value in changes:
        size += 3
        if value is not None and not isinstance(value, int):
            size += len(value)
    return size


def _compose(journal, buf, draft, changes, entry):
    # Lay the items behind the record header, to be written at the head; return where they end.
    head, pos = journal.head, journal.pos
    at = HEAD
    if entry is not None:
        at = pen.item(buf, at, ENTRY, entry)
    for key, value in changes:
        if value is None:
            at = pen.add(buf, at, bytes((DELETE, key)))
        elif isinstance(value, int):
            if not journal.has(value) or not draft.can_move(value, key):
                raise ValueError("move")
            at = pen.add(buf, at, bytes((MOVE, value, key)))
        else:
            at = pen.item(buf, at, key, value)
            draft.change(key, value, head, pos, at - len(value))
            continue
        draft.change(key, value, 0, 0, 0)
    return at


def kept(key):
    """Tell whether the value of `key` is in memory: it is short, and often asked for."""
    return key < 0x18 or key == 0x31 or key & 0xF0 == 0x70


class Draft:
    """Copies of `items` and `index` (see Journal), to be changed one item after the other."""

    def __init__(self, items, index):
        self.items = dict(items)
        self.index = bytearray(index)

    place = Journal.place  # the index is one like the journal's

    def can_move(self, source, to):
        """Tell whether there is a value under `source` that may move to `to`."""
        if kept(source) != kept(to):
            return False
        return source in self.items or self.place(source) >= 0

    def change(self, key, value, sector, offset, start):
        """Put a value that lies at `start` of the record at `offset` of `sector`.

        value: bytes, None to delete, or the number of a key from which it moves here.
        """
        if isinstance(value, int):
            if kept(key):
                self.items[key] = self.items.pop(value)
            elif key != value:
                self.forget(key)
                self.index[self.place(value)] = key
        elif value is None:
            self.forget(key)
        elif kept(key):
            self.items[key] = value
        else:
            self.forget(key)  # what is newest comes last: a record's values stand together
            self.index.extend(pack(PLACED, key, sector, offset, start, len(value)))

    def forget(self, key):
        """Take out what is under `key`, if anything is."""
        self.items.pop(key, None)
        at = self.place(key)
        if at >= 0:
            self.index[at : at + PLACE] = b""
