"""The audit log reaches the acquirer's archive when it wants the records, whole and in order."""

import asyncio

import pytest

from drivers import clock as clocks
from firmware import services
from firmware.storage import audit
from firmware.storage import state as keys
from host_tests.crash import life
from host_tests.crash.world import CONFIG, MemoryBooks, Policy, World, binding, first
from tools.acquirer import keys as host_keys


class Shop:
    """A terminal of the firmware's own services, and the acquirer's own host and books."""

    def __init__(self, monkeypatch):
        self.books = MemoryBooks()
        snapshot = first(self.books, binding("6222020200112233445"), sectors=8)
        self.world = World(self.books, snapshot, Policy(), watch=False)
        chip = life.Chip(self.world)
        monkeypatch.setattr(clocks, "time", chip)
        monkeypatch.setattr(clocks, "machine", chip)
        self.board = life.Board(self.world, snapshot.flash, dict(snapshot.nvs))
        self.boot()

    def boot(self):
        self.till = life.Till(self.board, {}, self.world)
        services.build(self.till, CONFIG)
        self.state = self.till.state

    def tell(self, count, detail=b""):
        for i in range(count):
            self.state.put((), audit.entry(audit.RIGHT, i, b"01", detail=detail))

    def want(self):
        self.books.want_records(self.world.terminal(), True)

    def sync(self):
        assert asyncio.run(self.till.sync.once())

    def stored(self):
        """The number of the last record in the acquirer's archive, and its chain."""
        return self.books.last_record(self.world.terminal())

    def whole(self):
        return self.state.journal.number, self.state.journal.chain


@pytest.fixture
def shop(monkeypatch):
    return Shop(monkeypatch)


def test_nothing_is_sent_unasked(shop):
    shop.tell(3)
    shop.sync()
    assert shop.stored()[0] == 0
    assert shop.state.number(keys.UPLOADED) == 0


def test_all_records_arrive_in_as_many_messages_as_it_takes(shop):
    shop.tell(30, b"1 622202*3445 REF000000001")
    shop.tell(20, b"x" * 64)
    shop.want()
    shop.sync()
    assert shop.stored() == shop.whole()
    assert shop.state.number(keys.UPLOADED) == shop.state.journal.number >= 51
    assert not shop.world.terminal()["records_wanted"]
    # The next time only what is new goes.
    shop.tell(2)
    shop.want()
    shop.sync()
    assert shop.stored() == shop.whole()


def test_what_arrived_although_the_terminal_never_learned_it_is_sent_again_and_skipped(shop):
    shop.tell(5)
    shop.want()
    shop.sync()
    shop.state.put(((keys.UPLOADED, None),))
    shop.boot()
    shop.tell(1)
    shop.want()
    shop.sync()
    assert shop.stored() == shop.whole()


def test_an_acquirer_that_has_lost_records_gets_them_from_where_it_stands(shop):
    shop.tell(5)
    shop.want()
    shop.sync()
    before = shop.books.image()
    shop.tell(30)
    shop.want()
    shop.sync()
    shop.books.put_back(before)
    shop.tell(1)
    shop.want()
    shop.sync()
    assert shop.stored() == shop.whole()


def test_a_gap_is_where_the_archive_ends(shop):
    shop.tell(2)
    shop.want()
    shop.sync()
    had = shop.stored()
    while shop.state.number(keys.UPLOADED) < 4:
        for i in range(400):
            entry = audit.entry(audit.RIGHT, i, b"01", detail=b"x" * 64)
            shop.state.put(((keys.RECORD, bytes(100)),), entry)
        shop.boot()
    shop.want()
    shop.sync()
    assert shop.stored() == had


def test_the_chain_is_the_profiles(shop):
    shop.tell(1)
    shop.want()
    shop.sync()
    chain = shop.books.chain_behind(shop.world.terminal(), 1)
    entry = audit.entry(audit.FORMATTED, 0)
    body = (1).to_bytes(4, "big") + entry
    token_key = shop.board.keystore.get_bytes("token_key")
    assert chain == host_keys.audit_chain(token_key, bytes(8), body)
