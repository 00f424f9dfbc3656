"""Memory that ends at any point: NoRoom or success, and what there is stays consistent."""

import asyncio
import gc
import sys

from firmware import rooms
from host_tests.storage.journals import fresh, items

_SIZES = (16384, 1024, 128, 16)


class _Nothing:
    """Stands for what does not matter here."""


def filled(left):
    """Return what fills the heap but for about `left` bytes; nothing under CPython.

    A chain: there may be no room for a list of so many.
    """
    pieces = None
    if hasattr(gc, "mem_free"):
        gc.collect()
        for size in _SIZES:
            try:
                while gc.mem_free() > left + size:
                    pieces = (bytearray(size), pieces)
            except MemoryError:
                pass  # what is free is in smaller pieces
    return pieces


def outcomes(work, most, step):
    """Do `work()` with less and less memory; return how often it was done and found no room.

    Whatever it raises beside NoRoom is a failure.
    """
    done = refused = 0
    for left in range(most, 0, -step):
        pieces = filled(left)
        try:
            work()
            good = True
        except rooms.NoRoom:
            good = False
        del pieces
        told()
        if good:
            done += 1
        else:
            refused += 1
    return done, refused


def told():
    """Do what a terminal does between two attempts: open a page, with its memory free again."""
    rooms.ask("firmware.crypto.compare", "equal", b"", b"", 0)


def both(counts):
    """Under MicroPython some of the attempts are done and some refused; under CPython all done."""
    done, refused = counts
    return done and (refused or not hasattr(gc, "mem_free"))


def test_a_put_that_finds_no_room_has_not_happened():
    flash, log = fresh(4)
    log.put([(1, b"begin")])
    before = dict(log.items)
    state = [0]

    def put():
        state[0] += 1
        log.put([(1, b"%040d" % state[0]), (2, None if state[0] & 1 else bytes(20))])

    done = refused = 0
    for left in list(range(24000, 4096, -96)) + list(range(4096, 0, -16)):
        number = log.number, log.sequence
        pieces = filled(left)
        try:
            put()
            good = True
        except rooms.NoRoom:
            good = False
        del pieces
        told()
        if good:
            done += 1
            before = dict(log.items)
        else:
            refused += 1
            assert log.items == before, "RAM has changed"
            assert log.number == number[0]
        assert items(flash) == before, "flash is not what RAM says"
    assert both((done, refused))
    log.put([(3, b"and goes on")])
    assert items(flash)[3] == b"and goes on"


def test_a_module_that_finds_no_room_leaves_nothing_behind():
    told()
    loaded = sorted(sys.modules)

    def load():
        assert rooms.ask("firmware.binding.rules", "digits", b"12")

    assert both(outcomes(load, 60000, 600))
    assert sorted(sys.modules) == loaded


def test_what_runs_out_of_memory_while_it_runs_finds_no_room_too():
    def run():
        kept = []
        while len(kept) < 100:
            kept.append(bytearray(64))

    async def later():
        run()

    async def pages():
        done = refused = 0
        for left in range(30000, 0, -300):
            pieces = filled(left)
            try:
                await rooms.ask("rooms_probe", "run")
                done += 1
            except rooms.NoRoom:
                refused += 1
            del pieces
            told()
        return done, refused

    sys.modules["rooms_probe"] = module = _Nothing()
    try:
        module.run = run
        assert both(outcomes(lambda: rooms.ask("rooms_probe", "run"), 30000, 300))
        module.run = later
        assert both(asyncio.run(pages()))
    finally:
        del sys.modules["rooms_probe"]
