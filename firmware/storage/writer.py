"""Writes what changes: one record at the head of the journal.

What always holds: see journal. What the record will have made true is ready before its first byte
is programmed. In memory only during a put. May import journal, frame, pen, draft.
"""

from firmware.storage import frame as frames
from firmware.storage import pen
from firmware.storage.draft import Draft
from firmware.storage.journal import (
    CHANGE,
    DELETE,
    ENTRY,
    HEAD,
    MOVE,
    SIZE,
    STATE_MAX,
)


def run(journal, changes, entry):
    """Make `changes` and `entry` true as `Journal.put` promises; return False when the head has no
    room for them or does not hold them: the next sector is to be begun first.
    """
    head, pos = journal.head, journal.pos
    frame = frames.Frame(journal)
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
