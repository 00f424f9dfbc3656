"""Whatever becomes of the audit log on flash, the acquirer's archive goes on.

A terminal of the firmware's own services tells of this and that; entries are damaged before and
after they have arrived, the power is cut or not. In the end the archive has the newest entry.
"""

import asyncio
import random
from types import SimpleNamespace
from unittest import mock

from drivers import clock as clocks
from firmware import rooms, services
from firmware.storage import audit
from host_tests.crash import life
from host_tests.crash.world import CONFIG, MemoryBooks, Policy, World, binding, first

DETAILS = (b"", b"x" * 64, "卡号".encode(), b"\xe5\x8d", b"1 622202*3445")


class Shop:
    """A terminal of the firmware's own services, and the acquirer's own host and books."""

    def __init__(self, replace):
        self.books = MemoryBooks()
        snapshot = first(self.books, binding("6222020200112233445"), sectors=8)
        self.world = World(self.books, snapshot, Policy(), watch=False)
        chip = life.Chip(self.world)
        replace(clocks, "time", chip)
        replace(clocks, "machine", chip)
        self.places = {}  # of entries: the sector of each, and where it ends there
        self.board = life.Board(self.world, snapshot.flash, dict(snapshot.nvs))
        self.boot()

    def boot(self):
        self.till = life.Till(self.board, {}, self.world)
        services.build(self.till, CONFIG)
        self.state = self.till.state

    def tell(self, count, detail=b""):
        for i in range(count):
            self.state.put((), audit.entry(audit.RIGHT, i, b"01", detail=detail))
            journal = self.state.journal
            self.places[journal.number] = journal.head, journal.pos

    def want(self):
        self.books.want_records(self.world.terminal(), True)

    def sync(self):
        assert asyncio.run(self.till.sync.once())

    def stored(self):
        """The number of the last record in the acquirer's archive, and its chain."""
        return self.books.last_record(self.world.terminal())

    def whole(self):
        return self.state.journal.number, self.state.journal.chain

    def damage(self, number):
        """Spoil the record of the entry `number`, if it is where it was written."""
        sector, at = self.places[number]
        self.board.flash._partition._cells[sector * 4096 + at - 1] ^= 0x55


def wedged(ways, seed=0):
    """Try so many ways to wedge the archive; return those that did: {seed: what it lacks}."""
    found = {}
    with (
        mock.patch.multiple(clocks, time=clocks.time, machine=clocks.machine),
        mock.patch.object(
            rooms,
            "gc",
            SimpleNamespace(collect=lambda: None),  # CPython's takes long
        ),
    ):
        for way in range(seed, seed + ways):
            lacking = _wedged(random.Random(way))
            if any(lacking):
                found[way] = lacking
    return found


def _wedged(draw):
    # One way; the entries that the archive lacks in the end, and whether it still waits for some.
    shop = Shop(setattr)
    for _ in range(draw.randint(1, 3)):
        for _ in range(draw.randint(1, 70)):
            shop.tell(1, draw.choice(DETAILS))
        if draw.random() < 0.4:
            shop.want()
            shop.sync()
        told = [number for number in shop.places if number <= shop.state.journal.number]
        for number in draw.sample(told, min(len(told), draw.choice((0, 1, 1, 2, 5)))):
            shop.damage(number)
        if draw.random() < 0.5:
            shop.boot()
    shop.boot()
    for _ in range(3):  # what it lacks comes with what is told next
        shop.tell(1)
        shop.want()
        shop.sync()
    return shop.state.journal.number - shop.stored()[0], shop.world.terminal()["records_wanted"]
