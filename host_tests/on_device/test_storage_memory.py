"""What the durable state takes of the heap, and what becomes of it when the heap is full.

The heap is really full here: all of it is taken but for a hole of so many bytes, of every size
from none to more than the work needs.
"""

import gc

from firmware.rooms import NoRoom
from firmware.storage import audit, migration, turn
from firmware.storage import frame as frames
from firmware.storage import state as store
from firmware.storage.journal import SIZE
from firmware.storage.state import State
from host_tests.storage.journals import CHAIN, MAC, SEAL, held, mounted
from host_tests.storage.log import exported, verified
from host_tests.storage.nor import Nor
from tools.bench.inside.shop import LONGEST, crowd

RESIDENT = frames, migration, turn  # not loaded anew: what a module needs is no part of this
MOST = 1536  # bytes of the largest state
RECORD = bytes(150)
_HARDLY = 512  # bytes of the heap: not even the names of the modules fit


class Quiet(Nor):
    """A flash that asks nothing of the heap, as the chip's."""

    def read(self, sector, off, buf):
        at = sector * self.sector_size + off
        for i in range(len(buf)):
            buf[i] = self.data[at + i]

    def program(self, sector, off, buf):
        at = sector * self.sector_size + off
        for i in range(len(buf)):
            self.data[at + i] &= buf[i]


class Keystore:
    """The journal's keys; `journal` says that there is a state."""

    def __init__(self):
        self.held = {"seal_key": SEAL, "mac_key": MAC, "token_key": CHAIN}

    def get_bytes(self, name):
        return self.held.get(name)

    def put(self, name, value):
        self.held[name] = value


def full(blocks=12):
    """Return a flash with the largest state, and its keys."""
    flash, keystore = Quiet(blocks), Keystore()
    state = State(flash, keystore, bytes)
    crowd(state)
    assert len(state.change_records()) == store.CHANGE_RECORDS
    return flash, keystore


def taken(flash, keystore):
    """Return the bytes of the heap that a state takes, and the state."""
    gc.collect()
    before = gc.mem_alloc()
    state = State(flash, keystore, bytes)
    gc.collect()
    return gc.mem_alloc() - before, state


def test_the_largest_state_takes_a_kibibyte_and_a_half_of_memory():
    flash, keystore = full()
    if not hasattr(gc, "mem_alloc"):
        return  # CPython
    blank, keys_of_blank = Quiet(12), Keystore()
    State(blank, keys_of_blank, bytes)
    empty, state = taken(blank, keys_of_blank)
    state = None
    whole, state = taken(flash, keystore)
    print("empty", empty, "full", whole, "bytes; items", state.journal.size())
    assert state.journal.size() > 4800
    assert whole <= MOST
    # It is no more after it has been written, read and copied to another sector.
    state.put(((store.NOTICE, b"\2"),))
    turn.begin(state.journal)
    assert state.binding(1) == LONGEST
    grown = gc.mem_alloc
    gc.collect()
    state = None
    gc.collect()
    rest = grown()
    state = State(flash, keystore, bytes)
    gc.collect()
    assert grown() - rest <= MOST


# -- a full heap ---------------------------------------------------------------------------------


_ballast = [None] * 4000


def fill():
    """Take what is left of the heap."""
    size = 1 << 20
    for i in range(len(_ballast)):
        while _ballast[i] is None:
            try:
                _ballast[i] = bytearray(size) if size else (i,)
            except MemoryError:
                if not size:
                    return
                size = size // 2 if size > 16 else 0
    raise AssertionError("the heap is too large to be filled")


def empty():
    """Give it back."""
    for i in range(len(_ballast)):
        _ballast[i] = None
    gc.collect()


def starved(hole, work):
    """Return whether `work()` found no room with `hole` bytes of the heap."""
    gc.collect()
    gap = bytearray(hole)
    fill()
    gap = None
    gc.collect()
    found = gap
    try:
        work()
    except MemoryError as error:
        found = error
    empty()
    # With hardly a byte free there is none for a NoRoom either: it is what a NoRoom is one of.
    assert found is None or isinstance(found, NoRoom) or hole < _HARDLY, hole
    return found is not None


def each_hole(prepare, step):
    """Starve what `prepare()` returns of every hole until one is enough; (work, proof) each.

    proof: called with whether there was no room. Returns how many holes were too small.
    """
    if not hasattr(gc, "mem_alloc"):
        return 9
    count, hole = 0, 0
    while True:
        work, proof = prepare()
        none = starved(hole, work)
        proof(none)
        if not none:
            return count
        count += 1
        hole += step


class Putting:
    """A put with an entry on a state, `before` and `after`; `room` bytes before a sector's end."""

    def __init__(self, image, room):
        self.flash = Quiet(6, image)
        self.log = mounted(self.flash)
        self.number = self.log.number
        self.before = held(self.log)
        self.after = dict(self.before)
        self.after[0x21] = b"new" * 100
        self.after[3] = b"flag"
        del self.after[0x20]

    def work(self):
        self.log.put([(0x21, b"new" * 100), (3, b"flag"), (0x20, None)], b"entry....")

    def proof(self, none):
        there, number = (self.before, self.number) if none else (self.after, self.number + 1)
        for log in (self.log, mounted(self.flash)):
            assert held(log) == there
            assert log.number == number
        if none:
            self.work()
        for log in (self.log, mounted(self.flash)):
            assert held(log) == self.after
            assert (log.number, log.chain) == (self.number + 1, self.log.chain)
        assert verified(self.log)[1:] == (self.number + 1, [])


def filled(room):
    """Return the image of a journal whose head has no more than `room` bytes left."""
    flash = Quiet(6)
    log = mounted_first(flash)
    for key in range(0x60, 0x68):
        log.put([(key, RECORD)])
    log.put([(0x20, LONGEST), (0x21, b"old"), (3, b"none")], b"entry....")
    while SIZE - log.pos > room:
        log.put([(1, b"%d" % log.sequence)])
    return bytes(flash.data)


def mounted_first(flash):
    state = State(flash, Keystore(), bytes)
    return state.journal


def test_a_put_that_finds_no_room_anywhere_has_done_nothing():
    image = filled(6000)

    def prepare():
        put = Putting(image, 6000)
        return put.work, put.proof

    assert each_hole(prepare, 16) > 8


def test_a_put_that_finds_no_room_while_a_sector_is_begun_has_done_nothing():
    image = filled(100)

    def prepare():
        put = Putting(image, 100)
        return put.work, put.proof

    assert each_hole(prepare, 48) > 8


def test_what_can_not_be_read_for_want_of_room_is_read_later():
    image = filled(6000)
    found = []

    def prepare():
        log = mounted(Quiet(6, image))

        def work():
            found.clear()
            found.append(log.get(0x20))

        def proof(none):
            assert none or found == [LONGEST]
            assert log.get(0x20) == LONGEST

        return work, proof

    assert each_hole(prepare, 16) > 8


def test_a_start_that_finds_no_room_has_changed_nothing():
    flash, keystore = full(6)
    image = bytes(flash.data)

    def prepare():
        found = []

        def work():
            found.append(State(flash, keystore, bytes))

        def proof(none):
            assert flash.data == image
            assert none or found[0].binding(1) == LONGEST

        return work, proof

    assert each_hole(prepare, 64) > 8


def test_a_log_that_is_read_half_way_holds_nothing_and_hinders_nobody():
    flash = Nor(6)
    log = mounted_first(flash)
    for i in range(60):
        log.put([(0x20, b"%060d" % i)], audit.entry(audit.RIGHT, i, b"01"))
    size = 0
    for _ in range(3):
        for record in exported(log, 5):
            assert record[:4] == b"\0\0\0\5"
            break
        gc.collect()
        now = gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0
        assert not size or now <= size + 64
        size = now
    # What is written while somebody reads neither comes out wrong nor stops him.
    told = []
    for record in exported(log):
        told.append(record[:4])
        log.put([(0x20, b"%0500d" % len(told))], audit.entry(audit.WRONG, len(told), b"02"))
        if len(told) == 90:
            break
    assert told == sorted(told)
    assert len(set(told)) == len(told)
    assert held(mounted(flash)) == held(log)
