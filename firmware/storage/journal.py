"""Append-only ring of sealed records on raw NOR flash: the state, and what is added to it.

What always holds:
- a record is true once it has been programmed and read back, and never before;
- each sector begins with the whole state, so the newest whole sector alone is the truth, and the
  oldest is erased when its turn comes;
- the sector before stays the truth until the new one has been begun, filled with the state and
  read back; nothing from the last whole sector up to the head is ever erased;
- nothing is written behind a torn record; a sector that does not hold what was written is retired;
- nothing is asked of the heap between the first byte of a record and its being true in memory.

A sector is two erase blocks of 4 KiB, known by the number of the first, which is even. It begins
with a header of 32 bytes: `RBJ` 3, order(4), last sequence(4), number(4) and chain(8) of the last
audit entry before it, CMAC(8). Then records, each a multiple of 16 bytes: length(2) schema(1)
flags(1) sequence(4), AES-128-CBC ciphertext of the items, CMAC(8). The CMAC covers place (sector,
offset, the sector's order), header and ciphertext, so that a record is neither moved nor replayed;
the IV is a CMAC of place and header, never repeated. Flags: kind (two bits) and the audit number's
last six. An item: key(1) length(1) value, or one of the marks below; zeros end the items.
Sectors of schema 2 (`RBJ` 2, one block, no long items) are read as they are and take part in the
ring until they are erased.

Values that are often asked for are in memory; of the others only their place is.

Here is what a resting terminal keeps of it. What seals is `frame`, what writes is `writer` and
`turn`, what reads a value is `extract`, what reads at start and for export is `recovery` and
`history`.
May import rooms.
"""

from micropython import const

from firmware import rooms

SCHEMA = const(3)
BLOCK = const(4096)  # what is erased at once
SIZE = const(8192)  # of a sector: its two blocks
BLOCKS_MAX = const(254)
RECORD_MAX = const(768)  # bytes of a whole record: two bindings at their longest
ITEM_MAX = const(511)
STATE_MAX = const(6400)  # bytes of all items: with their records' frames they fit one sector

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
LONG = const(0xFC)  # mark of an item: key(1) length - 256(1) value
DELETE = const(0xFD)  # delete(1) key(1)
MOVE = const(0xFE)  # move(1) from(1) to(1)
ENTRY = const(0xFF)  # audit entry(1) length(1) value

PLACE = const(8)  # bytes of the index for each value: key, sector, record(2), offset(2), length(2)
PLACED = ">BBHHH"

# Codes of a StorageFault, as the page shows them and docs/hardware.md lists them
KEYS_MISSING = const(11)  # the keystore does not answer, or a key is not in it
KEYS_FULL = const(12)  # the keystore takes no more writes
KEYS_USED_UP = const(13)  # every counter of the initial key has been used
KEYS_DAMAGED = const(14)  # the keys of the acquirer can't be read
FILES_DIFFER = const(15)  # a file is not as it was built
FLASH_MISSING = const(20)  # the journal's flash does not answer
STATE_UNREADABLE = const(21)  # a state exists but can't be read
FLASH_FULL = const(22)  # the flash takes no more writes: no good sector is left
STATE_NEWER = const(23)  # the state is of newer firmware
STATE_GONE = const(24)  # the terminal has worked, and nothing says that there is a state
# 30 is drivers.trouble's: the terminal has started again and again
ERRAND = const(31)  # an errand has failed twice: it alone is closed


class StorageFault(Exception):
    """State or keys can't be read or written: the person sees "needs service" with `code`, nothing
    is wiped.
    """

    def __init__(self, code=STATE_UNREADABLE):
        super().__init__(code)
        self.code = code


class Journal:
    """The state, kept in a ring of flash sectors.

    flash: block device with `sectors` of 4 KiB, `read`, `program`, `erase`. seal_key, mac_key,
    chain_key: 16 bytes each, from the keystore; the first two are used for nothing else.

    items: {key: bytes} of what is in memory. index: where the other values are, PLACE bytes each.
    orders: {sector: its order} of all that the index tells of. number, chain: of the last audit
    entry. base: the last sector whose state is whole. head, pos: where the next record goes.
    torn: at start an unfinished or damaged write was found, and has yet to count as a failed
    attempt (see turn). All of them are replaced, never changed, so that what fails half-way has
    changed nothing.
    """

    def __init__(self, flash, seal_key, mac_key, chain_key):
        self.flash = flash
        self.sectors = min(flash.sectors, BLOCKS_MAX)
        self.seal_key = seal_key
        self.mac_key = mac_key
        self.chain_key = chain_key
        self.items = {}
        self.index = b""
        self.orders = {}
        self.torn = False
        self.resume(-1, -1, SIZE, 0, 0, 0, bytes(8))

    def resume(self, base, head, pos, order, sequence, number, chain):
        """Go on where recovery found the end: `base` is the last sector whose state is whole,
        `head` the newest that holds a truth, `pos` where it is free.
        """
        self.base = base
        self.head = head
        self.pos = pos
        self.order = order
        self.sequence = sequence
        self.number = number
        self.chain = chain

    def place(self, key):
        """Return where the index tells of `key`, -1 when it does not."""
        index = self.index
        for at in range(0, len(index), PLACE):
            if index[at] == key:
                return at
        return -1

    def has(self, key):
        """Tell whether there is a value under `key`, without reading it."""
        return key in self.items or self.place(key) >= 0

    def get(self, key):
        """Return the value under `key` as bytes, None when there is none.

        Raises StorageFault when its record can't be read any more, NoRoom when memory is full.
        """
        value = self.items.get(key)
        if value is None and self.place(key) >= 0:
            try:
                value = rooms.ask("firmware.storage.extract", "get", self, key)
            except MemoryError as fault:
                raise rooms.told(fault)
        return value

    def put(self, changes, entry=None):
        """Make `changes` and the audit `entry` true at once and together.

        changes: pairs of key and bytes to store, None to delete, or the number of another key
        whose value moves here. entry: bytes as `audit.entry` makes them.
        When this returns they are on flash and have been read back. When power fails before, none
        of them has happened. Raises StorageFault when no good sector is left; ValueError when too
        large, or when there is nothing to move; NoRoom (see rooms) when memory is full: nothing
        has happened then, and what was is still true.
        """
        try:
            while not rooms.ask("firmware.storage.writer", "write", self, changes, entry):
                rooms.ask("firmware.storage.turn", "begin", self)
        except MemoryError as fault:  # there may be none even to call `ask`
            raise rooms.told(fault)

    def length(self, at):
        """Return the length of the value that the index tells of at `at`."""
        return self.index[at + 6] << 8 | self.index[at + 7]

    def size(self):
        """Return the bytes of all items as a sector begins with them, without frames."""
        held = 0
        for value in self.items.values():
            held += 2 + len(value)
        for at in range(0, len(self.index), PLACE):
            n = self.length(at)
            held += 2 + n + (n >> 8)  # a long one has a mark more
        return held
