"""Append-only ring of sealed records on raw NOR flash.

What always holds:
- a record is true once it has been programmed and read back, and never before; a torn one is
  skipped;
- the newest sector is begun only while another good sector holds everything that is live;
- a sector is erased only after all that lived in it has been copied, verified and marked complete;
- whatever is interrupted, `mount` finds the last true state, and may itself be interrupted.

Layout of a sector (4096 bytes): a header `RBJ` version(1) order(4) mark(4) CMAC(8), then records.
The mark is FFFFFFFF until all live items of the sector to be erased have been copied here, then 0.
A record: length(2) schema(1) flags(1) sequence(4), AES-128-CBC ciphertext of its items, CMAC(8).
The IV is a CMAC of sequence and place; the record's CMAC covers header, place and ciphertext, so
that a record is neither moved nor replayed. An item: key(1) length(2) value; length FFFF deletes.

A sector that does not hold what was written is left for good: it stays out of the ring until the
next mount, which tries it once more. May import crypto only.
"""

from micropython import const

from firmware.crypto.cmac import Cmac
from firmware.crypto.compare import equal
from firmware.crypto.seal import seal, unseal
from firmware.crypto.wipe import wipe

SCHEMA = const(1)
RECORD_MAX = const(640)  # bytes of a whole record
ITEM_MAX = const(576)  # bytes of one item's value

_HEADER = const(20)  # sector header
_MARK = const(8)  # offset of the completion mark in it
_HEAD = const(8)  # record header
_MAC = const(8)
_DELETE = const(0xFFFF)
_BLANK = b"\xff" * 64


class StorageFault(Exception):
    """The state can't be read or written; the person sees "needs service", nothing is wiped."""


class Journal:
    """A small key-value state kept in a ring of flash sectors.

    flash: block device with `sectors`, `sector_size`, `read`, `program`, `erase`.
    seal_key, mac_key: 16 bytes each, from the keystore, used for nothing else.
    """

    def __init__(self, flash, seal_key, mac_key):
        self._flash = flash
        self._size = flash.sector_size
        self._seal_key = seal_key
        self._cmac = Cmac(mac_key)
        self._buf = bytearray(RECORD_MAX)
        self._check = bytearray(64)
        self._iv = bytearray(16)
        self._tag = bytearray(16)
        self._place = bytearray(4)
        self._orders = [0] * flash.sectors  # 0: not in use; else the sector's place in time
        self._bad = bytearray(flash.sectors)
        self._items = {}  # key: value
        self._homes = {}  # key: sector that holds the newest copy
        self._head = -1
        self._pos = 0
        self._sequence = 0
        self._order = 0

    # -- reading ---------------------------------------------------------------------------------

    def get(self, key):
        """Return the value of `key` as bytes, or None."""
        return self._items.get(key)

    def keys(self):
        """Return the keys that hold a value, in no order."""
        return self._items.keys()

    def mount(self):
        """Find the last true state; finish or undo an interrupted erase.

        Raises StorageFault when no state of ours can be read; the flash is then left as it is.
        """
        try:
            self._mount()
        except OSError as error:
            raise StorageFault from error

    def _mount(self):
        self._items.clear()
        self._homes.clear()
        self._sequence = 0
        used = 0
        for sector in range(self._flash.sectors):
            self._orders[sector] = self._read_header(sector)
            used += self._orders[sector] > 0
        head = self._newest()
        if head >= 0 and used > 1 and not self._is_complete(head):
            # Begun but not complete: all in it is copies; what was copied still stands.
            self._order = self._orders[head]
            self._erase(head)
            head = self._newest()
        if head < 0 or not self._is_complete(head):
            raise StorageFault
        order = 0
        sector = -1
        while sector != head:
            sector, order = self._following(order)
            self._pos = _HEADER
            self._replay(sector)
        self._head = head
        self._order = max(self._order, order)
        self._make_room_ahead()

    def format(self):
        """Erase every sector and begin the first. Only for a device that never held a state."""
        for sector in range(self._flash.sectors):
            if not self._is_blank(sector):
                self._erase(sector)
            self._orders[sector] = 0
        self._items.clear()
        self._homes.clear()
        self._sequence = self._order = 0
        self._begin(0)
        self._complete(0)

    # -- writing ---------------------------------------------------------------------------------

    def put(self, changes):
        """Make `changes`, a list of (key, value or None), true at once and together.

        When this returns they are on flash and have been read back. When power fails before, none
        of them has happened. Raises StorageFault when no good sector is left; ValueError when too
        large.
        """
        for _ in range(self._flash.sectors + 1):
            if self._append(self._compose(changes)):
                for key, value in changes:
                    self._remember(key, value, self._head)
                wipe(self._buf)
                return
            self._advance()
        raise StorageFault

    def _compose(self, changes):
        # Fill the buffer with the plain items behind the record header; return the plain length.
        buf = self._buf
        pos = _HEAD
        for key, value in changes:
            n = 0 if value is None else len(value)
            if pos + 3 + n + 16 + _MAC > RECORD_MAX or n > ITEM_MAX:
                raise ValueError(key)
            buf[pos] = key
            size = _DELETE if value is None else n
            buf[pos + 1] = size >> 8
            buf[pos + 2] = size & 0xFF
            pos += 3
            for i in range(n):
                buf[pos + i] = value[i]
            pos += n
        return pos - _HEAD

    def _append(self, plain_len):
        # Seal what `_compose` left in the buffer, program it at the head, read it back.
        total = _HEAD + (plain_len // 16 + 1) * 16 + _MAC
        if self._pos + total > self._size:
            return False
        buf = self._buf
        sequence = self._sequence + 1
        buf[0] = total >> 8
        buf[1] = total & 0xFF
        buf[2] = SCHEMA
        buf[3] = 0xFF
        for i in range(4):
            buf[4 + i] = (sequence >> (24 - 8 * i)) & 0xFF
        self._set_place(self._head, self._pos)
        self._make_iv()
        sealed = seal(self._seal_key, self._iv, buf, _HEAD, plain_len)
        self._tag_record(_HEAD + sealed)
        buf[total - _MAC : total] = memoryview(self._tag)[:_MAC]
        at = self._pos
        self._pos += total
        self._sequence = sequence
        try:
            self._flash.program(self._head, at, memoryview(buf)[:total])
            good = self._reads_back(at, total)
        except OSError:
            good = False
        if not good:
            self._pos = self._size  # what lies behind a torn record can't be trusted
        return good

    def _reads_back(self, at, total):
        view = memoryview(self._check)
        done = 0
        while done < total:
            n = min(len(self._check), total - done)
            self._flash.read(self._head, at + done, view[:n])
            if view[:n] != memoryview(self._buf)[done : done + n]:
                return False
            done += n
        return True

    def _advance(self):
        # Begin the blank sector ahead and copy there what lives only in the one to be erased next.
        behind = self._head
        while True:
            ahead = self._blank_sector()
            if ahead < 0:
                raise StorageFault
            victim = -1
            try:
                self._begin(ahead)
                victim = -1 if self._blank_sector() >= 0 else self._victim()
                self._copy_live(victim)
                self._complete(ahead)
            except (OSError, StorageFault):
                self._retire(ahead, victim)
                self._head, self._pos = behind, self._size
                continue
            self._make_room_ahead()
            return

    def _copy_live(self, victim):
        for key, home in list(self._homes.items()):
            if home == victim:
                if not self._append(self._compose(((key, self._items[key]),))):
                    raise StorageFault
                self._homes[key] = self._head

    def _make_room_ahead(self):
        # One blank sector is always ahead of the head, so that live data can be copied there.
        while self._blank_sector() < 0:
            victim = self._victim()
            if victim < 0:
                raise StorageFault
            self._copy_live(victim)  # already done, unless a sector has just gone bad
            self._erase(victim)

    def _victim(self):
        # What an interrupted erase or header left behind goes first, then the oldest; -1 if none.
        oldest = -1
        for sector in range(self._flash.sectors):
            if self._bad[sector] or sector == self._head:
                continue
            if oldest < 0 or self._orders[sector] < self._orders[oldest]:
                oldest = sector
        return oldest

    def _blank_sector(self):
        count = self._flash.sectors
        for step in range(1, count):
            sector = (self._head + step) % count
            if not self._bad[sector] and not self._orders[sector] and self._is_blank(sector):
                return sector
        return -1

    def _begin(self, sector):
        order = self._order = self._order + 1
        view = memoryview(self._check)[:_HEADER]
        view[:4] = b"RBJ\x01"
        for i in range(4):
            view[4 + i] = (order >> (24 - 8 * i)) & 0xFF
        view[8:12] = _BLANK[:4]
        self._tag_header(sector)
        view[12:20] = memoryview(self._tag)[:_MAC]
        self._flash.program(sector, 0, view)
        if self._read_header(sector) != order:
            raise StorageFault
        self._orders[sector] = order
        self._head = sector
        self._pos = _HEADER

    def _complete(self, sector):
        self._flash.program(sector, _MARK, b"\0\0\0\0")
        if not self._is_complete(sector):
            raise StorageFault

    def _erase(self, sector):
        self._orders[sector] = 0
        self._flash.erase(sector)
        if not self._is_blank(sector):
            self._bad[sector] = 1

    def _retire(self, sector, victim):
        # What was copied into it lives where it was copied from.
        self._orders[sector] = 0
        self._bad[sector] = 1
        for key, home in list(self._homes.items()):
            if home == sector:
                self._homes[key] = victim

    # -- mounting --------------------------------------------------------------------------------

    def _newest(self):
        best = -1
        for sector in range(self._flash.sectors):
            if self._orders[sector] and (best < 0 or self._orders[sector] > self._orders[best]):
                best = sector
        return best

    def _following(self, order):
        best = -1
        for sector in range(self._flash.sectors):
            mine = self._orders[sector]
            if mine > order and (best < 0 or mine < self._orders[best]):
                best = sector
        return best, self._orders[best]

    def _replay(self, sector):
        # Apply the whole records of a sector in order; stop where they end. Leaves `_pos` behind.
        buf = self._buf
        view = memoryview(buf)
        while self._pos + _HEAD + 16 + _MAC <= self._size:
            self._flash.read(sector, self._pos, view[:_HEAD])
            total = buf[0] << 8 | buf[1]
            if total == 0xFFFF and view[2:_HEAD] == b"\xff\xff\xff\xff\xff\xff":
                return  # free from here on
            body = total - _HEAD - _MAC
            if total > RECORD_MAX or self._pos + total > self._size or body < 16 or body % 16:
                self._pos = self._size
                return
            self._flash.read(sector, self._pos + _HEAD, view[_HEAD:total])
            self._set_place(sector, self._pos)
            self._pos += total
            self._tag_record(total - _MAC)
            if not equal(self._tag, view[total - _MAC : total], _MAC):
                continue  # torn: an unfinished write, never an attack
            sequence = buf[4] << 24 | buf[5] << 16 | buf[6] << 8 | buf[7]
            if sequence <= self._sequence:
                raise StorageFault
            self._sequence = sequence
            self._make_iv()
            n = unseal(self._seal_key, self._iv, buf, _HEAD, body)
            if buf[2] != SCHEMA or n < 0:
                raise StorageFault
            self._apply(sector, _HEAD, _HEAD + n)
        wipe(buf)

    def _apply(self, sector, pos, end):
        buf = self._buf
        while pos < end:
            n = buf[pos + 1] << 8 | buf[pos + 2]
            if n == _DELETE:
                self._remember(buf[pos], None, sector)
                n = 0
            else:
                self._remember(buf[pos], bytes(memoryview(buf)[pos + 3 : pos + 3 + n]), sector)
            pos += 3 + n

    def _remember(self, key, value, sector):
        if value is None:
            # The deletion itself has to be kept no longer than older copies: those are in sectors
            # that are erased before this one.
            self._items.pop(key, None)
            self._homes.pop(key, None)
        else:
            self._items[key] = value
            self._homes[key] = sector

    # -- sealing ---------------------------------------------------------------------------------

    def _set_place(self, sector, offset):
        self._place[0] = sector >> 8
        self._place[1] = sector & 0xFF
        self._place[2] = offset >> 8
        self._place[3] = offset & 0xFF

    def _make_iv(self):
        # The CMAC of sequence and place under the record's own key: unpredictable and never
        # repeated.
        self._cmac.start()
        self._cmac.update(b"iv", 0, 2)
        self._cmac.update(self._buf, 4, 4)
        self._cmac.update(self._place, 0, 4)
        self._cmac.finish(self._iv, 0)

    def _tag_record(self, end):
        self._cmac.start()
        self._cmac.update(self._place, 0, 4)
        self._cmac.update(self._buf, 0, end)
        self._cmac.finish(self._tag, 0)

    def _tag_header(self, sector):
        self._set_place(sector, 0)
        self._cmac.start()
        self._cmac.update(self._place, 0, 4)
        self._cmac.update(self._check, 0, _MARK)
        self._cmac.finish(self._tag, 0)

    def _read_header(self, sector):
        # The sector's order, or 0 when it isn't one of ours.
        view = memoryview(self._check)[:_HEADER]
        self._flash.read(sector, 0, view)
        if view[:4] != b"RBJ\x01":
            return 0
        self._tag_header(sector)
        if not equal(self._tag, view[12:20], _MAC):
            return 0
        return view[4] << 24 | view[5] << 16 | view[6] << 8 | view[7]

    def _is_complete(self, sector):
        view = memoryview(self._check)[:4]
        self._flash.read(sector, _MARK, view)
        return view == b"\0\0\0\0"

    def _is_blank(self, sector):
        for offset in range(0, self._size, len(_BLANK)):
            self._flash.read(sector, offset, self._check)
            if self._check != _BLANK:
                return False
        return True
