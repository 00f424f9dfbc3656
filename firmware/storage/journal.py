"""Append-only ring of sealed records on raw NOR flash: the state, and what is added to it.

What always holds:
- a record is true once it has been programmed and read back, and never before;
- each sector begins with the whole state, so the newest whole sector alone is the truth, and the
  oldest is erased when its turn comes;
- the sector before stays the truth until the new one has been begun, filled with the state and
  read back; nothing from the last whole sector up to the head is ever erased;
- nothing is written behind a torn record; a sector that does not hold what was written is retired.

Layout of a sector: a header of 32 bytes: `RBJ` 2, order(4), last sequence(4), number(4) and
chain(8) of the last audit entry before it, CMAC(8). Then records, each a multiple of 16 bytes:
length(2) schema(1) flags(1) sequence(4), AES-128-CBC ciphertext of the items, CMAC(8). The CMAC
covers place (sector, offset, the sector's order), header and ciphertext, so that a record is
neither moved nor replayed; the IV is a CMAC of place and header, never repeated. Flags: kind (two
bits) and the audit number's last six. An item: key(1) length(1) value, or one of the marks below;
zeros end the items.

What is read at start and for export lives in `recovery` and `history`. May import crypto only.
"""

from struct import pack_into

from cryptolib import aes
from micropython import const

from firmware.crypto.cmac import Cmac, mac

SCHEMA = const(2)
SECTORS_MAX = const(255)
RECORD_MAX = const(528)  # bytes of a whole record: two bindings at their longest
ITEM_MAX = const(255)
STATE_MAX = const(3600)  # bytes of all items: with their records' frames they fit one sector

START = const(32)  # sector header
HEAD = const(8)  # record header
MAC = const(8)

SECTOR = const(1)  # what a CMAC is of
VECTOR = const(2)
RECORD = const(3)

CHANGE = const(0)  # kind of a record: a transition
MORE = const(1)  # a piece of the state
LAST = const(2)  # the last piece of it

RETIRED = const(0x7F)  # the key under which sectors are listed that are no longer used
DELETE = const(0xFD)  # marks of an item: delete(1) key(1)
MOVE = const(0xFE)  # move(1) from(1) to(1)
ENTRY = const(0xFF)  # audit entry(1) length(1) value


class StorageFault(Exception):
    """The state can't be read or written; the person sees "needs service", nothing is wiped."""


class Journal:
    """The state as a dictionary `items` {key: bytes}, kept in a ring of flash sectors.

    flash: block device with `sectors`, `sector_size`, `read`, `program`, `erase`. seal_key,
    mac_key, chain_key: 16 bytes each, from the keystore; the first two are used for nothing else.

    number, chain: of the last audit entry. buf, out, cmac: where records and CMACs are made;
    whoever reads the flash uses them too.
    """

    def __init__(self, flash, seal_key, mac_key, chain_key):
        self.flash = flash
        self.sectors = min(flash.sectors, SECTORS_MAX)
        self.items = {}
        self.buf = bytearray(RECORD_MAX)
        self.out = bytearray(16)
        self._check = bytearray(64)
        self._place = bytearray(8)
        self.seal_key = seal_key
        self._chain_key = chain_key
        self.cmac = Cmac(mac_key)
        self.resume(-1, -1, 0, 0, 0, 0, bytes(8))

    def resume(self, base, head, pos, order, sequence, number, chain):
        """Go on where recovery found the end: `base` is the last sector whose state is whole,
        `head` the newest that holds a truth, `pos` where it is free.
        """
        self._base = base
        self._head = head
        self._pos = pos
        self._order = order
        self._sequence = sequence
        self.number = number
        self.chain = chain

    def put(self, changes, entry=None):
        """Make `changes` and the audit `entry` true at once and together.

        changes: pairs of key and bytes to store, None to delete, or the number of another key
        whose value moves here. entry: bytes as `audit.entry` makes them.
        When this returns they are on flash and have been read back. When power fails before, none
        of them has happened. Raises StorageFault when no good sector is left; ValueError when too
        large, or when there is nothing to move.
        """
        size = self._compose(changes, entry)
        if self.size() + size > STATE_MAX:
            raise ValueError("state")
        while not self._append(size, CHANGE):
            self.advance()
            size = self._compose(changes, entry)
        for key, value in changes:
            if value is None:
                self.items.pop(key, None)
            else:
                self.items[key] = self.items.pop(value) if isinstance(value, int) else value
        if entry is not None:
            self.number += 1
            self.chain = self.chained(self.chain, self.number, entry)

    def size(self):
        """Return the bytes of all items as a sector begins with them, without frames."""
        held = 0
        for value in self.items.values():
            held += 2 + len(value)
        return held

    def advance(self):
        """Begin the next good sector with the whole state. Raises StorageFault when none is left.

        Power loss leaves the head as it is, or the new one whole.
        """
        for step in range(1, self.sectors + 1):
            sector = (self._head + step) % self.sectors
            if sector == self._base:
                break
            if sector not in self.items.get(RETIRED, b"") and self._begin(sector):
                return
        raise StorageFault

    def _begin(self, sector):
        # Make `sector` the head, if it is good.
        before = self._head
        good = False
        try:
            if not self.blank(sector):
                self.flash.erase(sector)
            good = self.blank(sector)
        except OSError:
            pass  # as bad as one that stays as it was: retired below
        if good:
            self._head = sector
            self._pos = 0
            self._order += 1
            pack_into(
                ">4sIII8s",
                self.buf,
                0,
                b"RBJ\x02",
                self._order,
                self._sequence,
                self.number,
                self.chain,
            )
            self.tag(SECTOR, sector, 0, 0, START - MAC)
            self.buf[START - MAC : START] = memoryview(self.out)[:MAC]
            good = self._write(START) and self._snapshot()
        if good:
            self._base = sector
        else:
            self._retire(sector)
            self._head = before
            self._pos = self.flash.sector_size
        return good

    def _snapshot(self):
        at = HEAD
        for key, value in self.items.items():
            if at + 2 + len(value) > RECORD_MAX - MAC:
                if not self._append(at, MORE):
                    return False
                at = HEAD
            at = self._item(at, key, value)
        return self._append(at, LAST)

    def _compose(self, changes, entry):
        # Lay the items behind the record header; return where they end.
        at = HEAD
        if entry is not None:
            at = self._item(at, ENTRY, entry)
        for key, value in changes:
            if value is None:
                at = self._add(at, bytes((DELETE, key)))
            elif isinstance(value, int):
                if value not in self.items:
                    raise ValueError("move")
                at = self._add(at, bytes((MOVE, value, key)))
            else:
                at = self._item(at, key, value)
        return at

    def _item(self, at, key, value):
        if len(value) > ITEM_MAX:
            raise ValueError("item")
        return self._add(self._add(at, bytes((key, len(value)))), value)

    def _add(self, at, part):
        end = at + len(part)
        if end > RECORD_MAX - MAC:
            raise ValueError("record")
        self.buf[at:end] = part
        return end

    def _append(self, end, kind):
        # Seal the items in the buffer and write them at the head; False when it has no room or
        # does not hold them.
        buf = self.buf
        total = max((end + 23) // 16 * 16, HEAD + 16 + MAC)
        if self._pos + total > self.flash.sector_size:
            return False
        for i in range(end, total - MAC):
            buf[i] = 0
        self._sequence += 1
        flags = kind | (self.number & 63) << 2
        pack_into(">HBBI", buf, 0, total, SCHEMA, flags, self._sequence)
        plain = memoryview(buf)[HEAD : total - MAC]
        self.cipher(self._head, self._pos, self._order).encrypt(plain, plain)
        self.tag(RECORD, self._head, self._pos, self._order, total - MAC)
        buf[total - MAC : total] = memoryview(self.out)[:MAC]
        return self._write(total)

    def _write(self, n):
        # Program the first `n` bytes of the buffer at the head and read them back.
        flash, at, check = self.flash, self._pos, self._check
        self._pos = flash.sector_size  # nothing may follow what is torn
        try:
            flash.program(self._head, at, memoryview(self.buf)[:n])
            for start in range(0, n, 64):
                view = memoryview(check)[: min(64, n - start)]
                flash.read(self._head, at + start, view)
                if view != memoryview(self.buf)[start : start + len(view)]:
                    raise OSError
        except OSError:
            self._retire(self._head)
            return False
        self._pos = at + n
        return True

    def _retire(self, sector):
        retired = self.items.get(RETIRED, b"")
        if sector not in retired:
            self.items[RETIRED] = retired + bytes((sector,))

    def blank(self, sector):
        """Tell whether all bits of `sector` are set. Raises OSError."""
        for at in range(0, self.flash.sector_size, 64):
            self.flash.read(sector, at, self._check)
            if self._check != b"\xff" * 64:
                return False
        return True

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
        return aes(self.seal_key, 2, self.out)

    def chained(self, chain, number, entry):
        """Return the chain of the audit entry `number` (PROTOCOL, "Audit chain"), 8 bytes."""
        data = b"\x02" + chain + number.to_bytes(4, "big") + entry
        tag = bytearray(16)
        mac(self._chain_key, data, 0, len(data), tag, 0)
        return bytes(memoryview(tag)[:8])
