"""Writes to a sector: items behind one another, and the record that seals them.

What always holds: a record counts as written once it has been read back; from its first byte on
nothing is asked of the heap. May import journal.
"""

from struct import pack_into

from firmware.storage.journal import (
    HEAD,
    ITEM_MAX,
    LONG,
    MAC,
    RECORD,
    RETIRED,
    SCHEMA,
)


def add(buf, at, part):
    """Put the bytes `part` at `at` of the record in `buf`; return where they end. Raises
    ValueError when the record is full.
    """
    end = at + len(part)
    if end > len(buf) - MAC:
        raise ValueError("record")
    buf[at:end] = part
    return end


def item(buf, at, key, value):
    """Put an item at `at` of the record in `buf`; return where it ends. Raises ValueError when it
    is too long or the record is full.
    """
    n = len(value)
    if n > ITEM_MAX:
        raise ValueError("item")
    if n > 255:
        at = add(buf, at, bytes((LONG,)))
    return add(buf, add(buf, at, bytes((key, n & 255))), value)


def seal(frame, sector, offset, order, end, kind):
    """Make a record of the items that end at `end` of the frame's buffer; return its length."""
    buf, journal = frame.buf, frame.journal
    total = sealed(end)
    for i in range(end, total - MAC):
        buf[i] = 0
    journal.sequence += 1  # used up, whatever becomes of the record: an IV never comes again
    flags = kind | (journal.number & 63) << 2
    pack_into(">HBBI", buf, 0, total, SCHEMA, flags, journal.sequence)
    plain = memoryview(buf)[HEAD : total - MAC]
    frame.cipher(sector, offset, order).encrypt(plain, plain)
    frame.tag(RECORD, sector, offset, order, total - MAC)
    buf[total - MAC : total] = memoryview(frame.out)[:MAC]
    return total


def sealed(end):
    """Return the length of a record whose items end at `end`."""
    return max((end + 23) // 16 * 16, HEAD + 16 + MAC)


def write(flash, sector, offset, record, piece):
    """Program `record` and tell whether the flash holds it now.

    record: memoryview of a multiple of 16 bytes. piece: 16 bytes to read them back into.
    Allocates nothing.
    """
    try:
        flash.program(sector, offset, record)
        for at in range(0, len(record), 16):
            flash.read(sector, offset + at, piece)
            for i in range(16):
                if piece[i] != record[at + i]:
                    return False
    except OSError:
        return False
    return True


def blank(flash, block):
    """Tell whether all bits of `block` are set. Raises OSError."""
    piece = bytearray(64)
    for at in range(0, flash.sector_size, 64):
        flash.read(block, at, piece)
        if piece != b"\xff" * 64:
            return False
    return True


def retire(journal, sector):
    """Use `sector` no longer. On flash that is said with the next sector's state."""
    retired = journal.items.get(RETIRED, b"")
    if sector not in retired:
        items = dict(journal.items)
        items[RETIRED] = retired + bytes((sector,))
        journal.items = items
