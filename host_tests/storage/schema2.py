"""Writes what firmware of schema 2 left behind: its journal as it was, frozen.

A sector was one erase block of 4 KiB, the whole state was in memory, an item's length one byte.
Only what writes is here; what it has written is read by today's firmware.
Of the firmware it shares the cipher and the CMAC alone. Runs on both interpreters.
"""

from struct import pack_into

from cryptolib import aes

from firmware.crypto.cmac import Cmac, mac

OPERATOR, ATTEMPTS, OPERATORS = 0x40, 0x50, 8  # the keys that have other numbers since

SCHEMA = 2
RECORD_MAX = 528
ITEM_MAX = 255
STATE_MAX = 3600
START, HEAD, MAC = 32, 8, 8
SECTOR, VECTOR, RECORD = 1, 2, 3
CHANGE, MORE, LAST = 0, 1, 2
RETIRED, DELETE, MOVE, ENTRY = 0x7F, 0xFD, 0xFE, 0xFF


class Full(Exception):
    """No good sector is left."""


class Journal:
    """The state as a dictionary `items` {key: bytes}, on a flash with sectors of 4 KiB."""

    def __init__(self, flash, seal_key, mac_key, chain_key):
        self.flash = flash
        self.sectors = flash.sectors
        self.items = {}
        self.mac_key, self.seal_key, self.chain_key = mac_key, seal_key, chain_key
        self.frame = None
        self.resume(-1, -1, flash.sector_size, 0, 0, 0, bytes(8))

    def resume(self, base, head, pos, order, sequence, number, chain):
        """Go on from there."""
        self.base, self.head, self.pos = base, head, pos
        self.order, self.sequence = order, sequence
        self.number, self.chain = number, chain

    def put(self, changes, entry=None):
        """Make `changes` and the audit `entry` true at once and together."""
        run(self, changes, entry)

    def size(self):
        """Return the bytes of all items."""
        return sum(2 + len(value) for value in self.items.values())


class Frame:
    """The record being read or written: `buf`, and `out`, the last CMAC made."""

    def __init__(self, journal):
        self.buf = bytearray(RECORD_MAX)
        self.out = bytearray(16)
        self.cmac = Cmac(journal.mac_key)
        self._seal_key = journal.seal_key
        self._place = bytearray(8)

    def tag(self, what, sector, offset, order, n):
        """Leave in `out` the CMAC of a place and of the first `n` bytes of `buf`."""
        pack_into(">BBHI", self._place, 0, what, sector, offset, order)
        cmac = self.cmac
        cmac.start()
        cmac.update(self._place, 0, 8)
        cmac.update(self.buf, 0, n)
        cmac.finish(self.out, 0)

    def cipher(self, sector, offset, order):
        """Return the AES-CBC of the record whose place is given and whose header is in `buf`."""
        self.tag(VECTOR, sector, offset, order, HEAD)
        return aes(self._seal_key, 2, self.out)


def frame_of(journal):
    """Return the journal's frame, made now if nobody has one."""
    if journal.frame is None:
        journal.frame = Frame(journal)
    return journal.frame


def blank(flash, sector):
    """Tell whether all bits of `sector` are set. Raises OSError."""
    piece = bytearray(64)
    for at in range(0, flash.sector_size, 64):
        flash.read(sector, at, piece)
        if piece != b"\xff" * 64:
            return False
    return True


def chained(journal, chain, number, entry):
    """Return the chain of the audit entry `number` (PROTOCOL, "Audit chain"), 8 bytes."""
    data = b"\x02" + chain + number.to_bytes(4, "big") + entry
    tag = bytearray(16)
    mac(journal.chain_key, data, 0, len(data), tag, 0)
    return bytes(memoryview(tag)[:8])


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
        journal.chain = chained(journal, journal.chain, journal.number, entry)


def advance(journal):
    """Begin the next good sector with the whole state: Full when none is left.

    Power loss leaves the head as it is, or the new one whole.
    """
    for step in range(1, journal.sectors + 1):
        sector = (journal.head + step) % journal.sectors
        if sector == journal.base:
            break
        if sector not in journal.items.get(RETIRED, b"") and _begin(journal, sector):
            return
    raise Full


def _begin(journal, sector):
    # Make `sector` the head, if it is good.
    before = journal.head
    good = False
    try:
        if not blank(journal.flash, sector):
            journal.flash.erase(sector)
        good = blank(journal.flash, sector)
    except OSError:
        pass  # as bad as one that stays as it was: retired below
    if good:
        journal.head = sector
        journal.pos = 0
        journal.order += 1
        frame = frame_of(journal)
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
    buf = frame_of(journal).buf
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
    buf = frame_of(journal).buf
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
    frame = frame_of(journal)
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
    flash, at, buf = journal.flash, journal.pos, memoryview(frame_of(journal).buf)
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
