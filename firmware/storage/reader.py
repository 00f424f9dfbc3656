"""Reads what the journal has written: sector headers, whole records, their items.

What always holds: what is not proven by its CMAC at its own place is no header and no record; a
damaged record costs only itself; nothing is written, and no more than one record is in memory.
In memory only while recovery or history reads. May import journal, frame, crypto.compare.
"""

from struct import unpack, unpack_from

from firmware.crypto.compare import equal
from firmware.storage import frame as frames
from firmware.storage.journal import (
    DELETE,
    ENTRY,
    HEAD,
    MAC,
    MOVE,
    RECORD,
    RECORD_MAX,
    SECTOR,
    START,
)


def header(journal, sector):
    """Return (order, sequence, number, chain) of a sector's header, None when it has none.

    Raises OSError.
    """
    frame = frames.of(journal)
    view = memoryview(frame.buf)
    journal.flash.read(sector, 0, view[:START])
    if view[:4] != b"RBJ\x02":
        return None
    frame.tag(SECTOR, sector, 0, 0, START - MAC)
    if not equal(frame.out, view[START - MAC : START], MAC):
        return None
    return unpack(">III8s", bytes(view[4 : START - MAC]))


def sectors(journal):
    """Return the sectors that have a header in the order of their beginning, each as one number,
    order << 8 | sector. Raises OSError.
    """
    found = []
    for sector in range(journal.sectors):
        known = header(journal, sector)
        if known:
            found.append(known[0] << 8 | sector)
    found.sort()
    return found


def log(journal, found):
    """Return the sectors of `found` through which the audit log goes on to its end.

    A bad sector keeps what it held when the ones after it have long been erased. Raises OSError.
    """
    first = 0
    for index in range(1, len(found)):
        order, sector = found[index - 1] >> 8, found[index - 1] & 0xFF
        if found[index] >> 8 != order + 1:
            number = header(journal, sector)[2]
            for _, _, flags, _, items in records(journal, sector, order, end(journal, sector)):
                number += ((flags >> 2) - number) & 63
                number += sum(key == ENTRY for key, _ in items)
            if number < header(journal, found[index] & 0xFF)[2]:
                first = index
    return found[first:]


def end(journal, sector):
    """Return the offset behind the last byte of a sector that is not FF. Raises OSError."""
    found = 0
    buf, size = frames.of(journal).buf, journal.flash.sector_size
    for at in range(0, size, RECORD_MAX):
        n = min(RECORD_MAX, size - at)
        view = memoryview(buf)[:n]
        journal.flash.read(sector, at, view)
        n = len(bytes(view).rstrip(b"\xff"))
        if n:
            found = at + n
    return found


def records(journal, sector, order, last):
    """Yield the whole records of a sector up to offset `last`, each as (offset behind it, schema,
    flags, sequence, items).

    Items are a list of pairs as `Journal.put` takes them, with (ENTRY, bytes) for an audit entry.
    Raises OSError.
    """
    flash, frame = journal.flash, frames.of(journal)
    buf = frame.buf
    view = memoryview(buf)
    at = START
    while at < last:
        flash.read(sector, at, view[:HEAD])
        total, schema, flags, sequence = unpack_from(">HBBI", buf, 0)
        room = min(RECORD_MAX, flash.sector_size - at)
        if HEAD + 16 + MAC <= total <= room and total % 16 == 0:
            flash.read(sector, at + HEAD, view[HEAD:total])
            frame.tag(RECORD, sector, at, order, total - MAC)
            if equal(frame.out, view[total - MAC : total], MAC):
                plain = view[HEAD : total - MAC]
                frame.cipher(sector, at, order).decrypt(plain, plain)
                items = _items(buf, total - MAC)
                for i in range(total):
                    buf[i] = 0
                at += total
                yield at, schema, flags, sequence, items
                continue
        at += 16  # torn or damaged: what follows may be whole


def _items(buf, last):
    items = []
    at = HEAD
    while at + 1 < last and buf[at]:
        key = buf[at]
        size = buf[at + 1]
        at += 2
        if key == DELETE:
            items.append((size, None))
        elif key == MOVE:
            items.append((buf[at], size))
            at += 1
        else:
            items.append((key, bytes(memoryview(buf)[at : at + size])))
            at += size
    return items
