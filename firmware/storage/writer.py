"""Writes the journal: records at its head, and the next sector when one is full.

What always holds: see journal. A record counts as written once it has been read back; what could
not be written is not true, and its sector is retired. In memory only during a put. May import
journal and frame.
"""

from struct import pack_into

from firmware.storage import frame as frames
from firmware.storage.journal import (
    CHANGE,
    DELETE,
    ENTRY,
    HEAD,
    ITEM_MAX,
    LAST,
    MAC,
    MORE,
    MOVE,
    RECORD,
    RECORD_MAX,
    RETIRED,
    SCHEMA,
    SECTOR,
    START,
    STATE_MAX,
    StorageFault,
)


def run(journal, changes, entry):
    """Do what `Journal.put` promises."""
    size = _compose(journal, changes, entry)
    if journal.size() + size > STATE_MAX:
        raise ValueError("state")
    while not _append(journal, size, CHANGE):
        advance(journal)
        size = _compose(journal, changes, entry)
    items = journal.items
    for key, value in changes:
        if value is None:
            items.pop(key, None)
        else:
            items[key] = items.pop(value) if isinstance(value, int) else value
    if entry is not None:
        journal.number += 1
        journal.chain = frames.chained(journal, journal.chain, journal.number, entry)


def advance(journal):
    """Begin the next good sector with the whole state. Raises StorageFault when none is left.

    Power loss leaves the head as it is, or the new one whole.
    """
    for step in range(1, journal.sectors + 1):
        sector = (journal.head + step) % journal.sectors
        if sector == journal.base:
            break
        if sector not in journal.items.get(RETIRED, b"") and _begin(journal, sector):
            return
    raise StorageFault


def _begin(journal, sector):
    # Make `sector` the head, if it is good.
    before = journal.head
    good = False
    try:
        if not frames.blank(journal.flash, sector):
            journal.flash.erase(sector)
        good = frames.blank(journal.flash, sector)
    except OSError:
        pass  # as bad as one that stays as it was: retired below
    if good:
        journal.head = sector
        journal.pos = 0
        journal.order += 1
        frame = frames.of(journal)
        pack_into(
            ">4sIII8s",
            frame.buf,
            0,
            b"RBJ\x02",
            journal.order,
            journal.sequence,
            journal.number,
            journal.chain,
        )
        frame.tag(SECTOR, sector, 0, 0, START - MAC)
        frame.buf[START - MAC : START] = memoryview(frame.out)[:MAC]
        good = _write(journal, START) and _snapshot(journal)
    if good:
        journal.base = sector
    else:
        _retire(journal, sector)
        journal.head = before
        journal.pos = journal.flash.sector_size
    return good


def _snapshot(journal):
    buf = frames.of(journal).buf
    at = HEAD
    for key, value in journal.items.items():
        if at + 2 + len(value) > RECORD_MAX - MAC:
            if not _append(journal, at, MORE):
                return False
            at = HEAD
        at = _item(buf, at, key, value)
    return _append(journal, at, LAST)


def _compose(journal, changes, entry):
    # Lay the items behind the record header; return where they end.
    buf = frames.of(journal).buf
    at = HEAD
    if entry is not None:
        at = _item(buf, at, ENTRY, entry)
    for key, value in changes:
        if value is None:
            at = _add(buf, at, bytes((DELETE, key)))
        elif isinstance(value, int):
            if value not in journal.items:
                raise ValueError("move")
            at = _add(buf, at, bytes((MOVE, value, key)))
        else:
            at = _item(buf, at, key, value)
    return at


def _item(buf, at, key, value):
    if len(value) > ITEM_MAX:
        raise ValueError("item")
    return _add(buf, _add(buf, at, bytes((key, len(value)))), value)


def _add(buf, at, part):
    end = at + len(part)
    if end > RECORD_MAX - MAC:
        raise ValueError("record")
    buf[at:end] = part
    return end


def _append(journal, end, kind):
    # Seal the items in the buffer and write them at the head; False when it has no room or does
    # not hold them.
    frame = frames.of(journal)
    buf = frame.buf
    total = max((end + 23) // 16 * 16, HEAD + 16 + MAC)
    if journal.pos + total > journal.flash.sector_size:
        return False
    for i in range(end, total - MAC):
        buf[i] = 0
    journal.sequence += 1
    flags = kind | (journal.number & 63) << 2
    pack_into(">HBBI", buf, 0, total, SCHEMA, flags, journal.sequence)
    plain = memoryview(buf)[HEAD : total - MAC]
    frame.cipher(journal.head, journal.pos, journal.order).encrypt(plain, plain)
    frame.tag(RECORD, journal.head, journal.pos, journal.order, total - MAC)
    buf[total - MAC : total] = memoryview(frame.out)[:MAC]
    return _write(journal, total)


def _write(journal, n):
    # Program the first `n` bytes of the buffer at the head and read them back.
    flash, at, buf = journal.flash, journal.pos, memoryview(frames.of(journal).buf)
    journal.pos = flash.sector_size  # nothing may follow what is torn
    piece = bytearray(64)
    try:
        flash.program(journal.head, at, buf[:n])
        for start in range(0, n, 64):
            view = memoryview(piece)[: min(64, n - start)]
            flash.read(journal.head, at + start, view)
            if view != buf[start : start + len(view)]:
                raise OSError
    except OSError:
        _retire(journal, journal.head)
        return False
    journal.pos = at + n
    return True


def _retire(journal, sector):
    retired = journal.items.get(RETIRED, b"")
    if sector not in retired:
        journal.items[RETIRED] = retired + bytes((sector,))
