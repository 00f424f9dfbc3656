"""Reads what the journal has written: sector headers, whole records, their items.

What always holds: what is not proven by its CMAC at its own place is no header and no record; a
damaged record costs only itself; nothing is written, and no more than one record is in memory.
Whoever reads brings a frame of his own: one who stops half-way leaves nothing behind, and what is
written meanwhile harms nobody. May import journal, extract, crypto.compare.
"""

from struct import unpack, unpack_from

from firmware.crypto.compare import equal
from firmware.storage.extract import part
from firmware.storage.journal import (
    BLOCK,
    DELETE,
    ENTRY,
    HEAD,
    LONG,
    MAC,
    MOVE,
    RECORD_MAX,
    SECTOR,
    SIZE,
    START,
)

_BLANK = b"\xff" * 16
_OLD = 2  # layout of schema 2: a sector is one block


def header(frame, sector):
    """Return (order, sequence, number, chain, layout) of a sector's header, None when it has none.

    Raises OSError.
    """
    view = memoryview(frame.buf)
    frame.journal.flash.read(sector, 0, view[:START])
    layout = frame.buf[3]
    if view[:3] != b"RBJ" or layout not in (2, 3):
        return None
    frame.tag(SECTOR, sector, 0, 0, START - MAC)
    if not equal(frame.out, view[START - MAC : START], MAC):
        return None
    return unpack(">III8s", view[4 : START - MAC]) + (layout,)


def sectors(frame):
    """Return the sectors that have a header in the order of their beginning, each as one number,
    order << 8 | sector, and {sector: its layout}. Raises OSError.
    """
    found, layouts = [], {}
    sector, blocks = 0, frame.journal.sectors
    while sector < blocks:
        known = header(frame, sector)
        if known:
            found.append(known[0] << 8 | sector)
            layouts[sector] = known[4]
            sector += known[4] - _OLD  # the second block of a sector begins none
        sector += 1
    found.sort()
    return found, layouts


def log(frame, found):
    """Return the sectors of `found` through which the audit log goes on to its end.

    A bad sector keeps what it held when the ones after it have long been erased. Raises OSError.
    """
    first = 0
    for index in range(1, len(found)):
        order, sector = found[index - 1] >> 8, found[index - 1] & 0xFF
        if found[index] >> 8 != order + 1:
            number = header(frame, sector)[2]
            for _, _, _, flags, _, items in records(frame, sector, order, end(frame, sector)):
                number += ((flags >> 2) - number) & 63
                number += sum(item[0] == ENTRY for item in items)
            if number < header(frame, found[index] & 0xFF)[2]:
                first = index
    return found[first:]


def end(frame, sector):
    """Return the offset behind the last 16 bytes of a sector that are not all FF.

    Of a sector of one block the next is looked at too: nothing in it is authentic there. Raises
    OSError.
    """
    found = 0
    flash, buf = frame.journal.flash, frame.buf
    size = min(SIZE, (flash.sectors - sector) * BLOCK)
    known = header(frame, sector)
    if known and known[4] == _OLD:
        size = BLOCK
    for at in range(0, size, RECORD_MAX):
        n = min(RECORD_MAX, size - at)
        view = memoryview(buf)[:n]
        flash.read(sector, at, view)
        while n and view[n - 16 : n] == _BLANK:
            n -= 16
        if n:
            found = at + n
    return found


def records(frame, sector, order, last):
    """Yield the whole records of a sector up to offset `last`, each as (its offset, the offset
    behind it, schema, flags, sequence, items).

    Items are a list of (key, value, offset of the value in the record), key and value as
    `Journal.put` takes them, with ENTRY for the key of an audit entry. Raises OSError.
    """
    buf = frame.buf
    at = START
    while at < last:
        total = part(frame, sector, at, order, last, 0, buf)
        if not total:
            at += 16  # torn or damaged: what follows may be whole
            continue
        _, schema, flags, sequence = unpack_from(">HBBI", buf, 0)
        start, at = at, at + total
        yield start, at, schema, flags, sequence, _items(buf, total)


def _items(buf, total):
    # Nothing of the record stays in the buffer.
    last = total - MAC
    items = []
    at = HEAD
    while at + 1 < last and buf[at]:
        more = 0
        if buf[at] == LONG:
            more = 256
            at += 1
        key = buf[at]
        size = buf[at + 1] + more
        at += 2
        if key == DELETE:
            items.append((size, None, 0))
        elif key == MOVE:
            items.append((buf[at], size, 0))
            at += 1
        else:
            items.append((key, bytes(memoryview(buf)[at : at + size]), at))
            at += size
    for i in range(total):
        buf[i] = 0
    return items
