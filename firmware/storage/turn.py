"""Begins the journal's next sector with the whole state.

What always holds: see journal. Values are copied from the records they are in, one at a time, into
the one being written; what can't be read stops it before anything is given up. What a start has
found torn or damaged is one more failed attempt of everybody who has any: whoever has made it so
may have done it to have one forgotten. May import journal, frame, extract, pen, state's keys.
"""

from struct import pack_into

from firmware.storage import frame as frames
from firmware.storage import pen
from firmware.storage.extract import copy
from firmware.storage.journal import (
    FLASH_FULL,
    HEAD,
    LAST,
    LONG,
    MAC,
    MORE,
    PLACE,
    PLACED,
    RECORD_MAX,
    RETIRED,
    SECTOR,
    SIZE,
    START,
    StorageFault,
)
from firmware.storage.state import ATTEMPTS, ATTEMPTS_KEYS, ATTEMPTS_LEN, FAILURES_MAX


def begin(journal):
    """Begin the next good sector. Raises StorageFault when none is left, or when a value of the
    state can't be read.

    Power loss leaves the head as it is, or the new one whole.
    """
    count, blocks = journal.sectors // 2, journal.sectors
    base, head = journal.base, journal.head
    needed = (head - base) % blocks  # blocks behind the base that hold what is true
    for step in range(count):
        sector = ((head + 2) // 2 + step) % count * 2
        retired = journal.items.get(RETIRED, b"")
        if sector in retired or sector + 1 in retired:
            continue  # the second block alone: retired when it was a sector of its own
        if base >= 0 and min((sector - base) % blocks, (sector + 1 - base) % blocks) <= needed:
            continue
        if _begin(journal, sector):
            return
    raise StorageFault(FLASH_FULL)


def _begin(journal, sector):
    # Make `sector` the head, if it is good.
    journal.pos = SIZE  # what follows goes to the new sector, were it only whole on flash
    journal.order += 1  # used up, whatever becomes of the sector
    if _clear(journal.flash, sector) and _Sector(journal, sector).fill():
        return True
    pen.retire(journal, sector)
    return False


def _clear(flash, sector):
    try:
        for block in (sector, sector + 1):  # the header goes first
            if not pen.blank(flash, block):
                flash.erase(block)
                if not pen.blank(flash, block):
                    return False
    except OSError:
        return False  # as bad as one that stays as it was
    return True


class _Sector:
    """The next sector while it is filled: the records so far end at `pos`, the items of the one
    being made at `at`.
    """

    def __init__(self, journal, sector):
        self.journal = journal
        self.sector = sector
        self.frame = frames.Frame(journal)
        self.pos = 0
        self.at = HEAD

    def fill(self):
        """Write header and state and make the sector the head; False when it does not hold them.

        Raises StorageFault, MemoryError: the head is then as it was.
        """
        journal, frame, sector = self.journal, self.frame, self.sector
        buf = frame.buf
        pack_into(
            ">4sIII8s",
            buf,
            0,
            b"RBJ\x03",
            journal.order,
            journal.sequence,
            journal.number,
            journal.chain,
        )
        frame.tag(SECTOR, sector, 0, 0, START - MAC)
        buf[START - MAC : START] = memoryview(frame.out)[:MAC]
        if not self._write(START):
            return False
        for key, value in journal.items.items():
            if not self._make_room(len(value)):
                return False
            self.at = pen.item(buf, self.at, key, value)
        index = self._copied()
        if index is None:
            return False
        orders = {sector: journal.order}
        if not self._write(pen.seal(frame, sector, self.pos, journal.order, self.at, LAST)):
            return False
        journal.index = index
        journal.orders = orders
        journal.base = sector
        journal.head = sector
        journal.pos = self.pos
        journal.torn = False
        return True

    def _copied(self):
        # Copy the values that the index tells of; return it as it is for this sector, None when
        # the sector does not hold them.
        journal, frame = self.journal, self.frame
        index = bytearray(journal.index)
        view = memoryview(frame.buf)
        for i in range(0, len(index), PLACE):
            n = journal.length(i)
            if not self._make_room(n):
                return None
            if n > 255:
                self.at = pen.add(view, self.at, bytes((LONG,)))
            start = pen.add(view, self.at, bytes((index[i], n & 255)))
            self.at = start + n
            copy(frame, i, view[start : self.at])
            if journal.torn and ATTEMPTS <= index[i] < ATTEMPTS + ATTEMPTS_KEYS:
                for at in range(start, self.at, ATTEMPTS_LEN):
                    if view[at] & FAILURES_MAX < FAILURES_MAX:
                        view[at] += 1
            pack_into(PLACED, index, i, index[i], self.sector, self.pos, start, n)
        return index

    def _make_room(self, n):
        if self.at + 3 + n <= RECORD_MAX - MAC:
            return True
        order = self.journal.order
        written = self._write(pen.seal(self.frame, self.sector, self.pos, order, self.at, MORE))
        self.at = HEAD
        return written

    def _write(self, n):
        frame, at = self.frame, self.pos
        self.pos = at + n
        record = memoryview(frame.buf)[:n]
        return pen.write(self.journal.flash, self.sector, at, record, frame.out)
