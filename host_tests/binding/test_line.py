"""What is proven of a reply before any of it is believed, against the acquirer's own host."""

import asyncio
import importlib
import struct

import pytest

from firmware.acquirer import sync
from firmware.message import codec
from firmware.storage import state as store
from host_tests.crash import life
from host_tests.crash.archive import Shop


@pytest.fixture
def shop(monkeypatch):
    return Shop(monkeypatch.setattr)


class Tampering:
    """Somebody on the line, who changes one byte of each frame that comes; counts closings."""

    def __init__(self, monkeypatch):
        self.at = -1
        self.size = self.closed = 0
        read, close = life.Link.read_into, life.Link.close

        async def read_into(link, buf, off, n):
            await read(link, buf, off, n)
            self.size = max(self.size, off + n)
            if off <= self.at < off + n:
                buf[self.at] ^= 1

        async def closing(link):
            self.closed += link.is_open
            await close(link)

        monkeypatch.setattr(life.Link, "read_into", read_into)
        monkeypatch.setattr(life.Link, "close", closing)


def test_no_byte_of_a_reply_can_be_changed_unnoticed(shop, monkeypatch):
    shop.sync()  # the first one fills the slots, too
    somebody = Tampering(monkeypatch)
    shop.sync()
    assert somebody.size > 100
    names = shop.till.sync.names
    assert names
    shop.till.sync.holders = b""
    for at in range(codec.BODY, somebody.size):
        somebody.at = at
        assert not asyncio.run(shop.till.sync.once()), at
        assert shop.till.sync.names == []
    somebody.at = -1
    shop.sync()
    assert shop.till.sync.names == names


def test_a_reply_to_another_message_is_no_answer(shop, monkeypatch):
    shop.sync()
    read = life.Link.read_into
    old = bytes(shop.till.sync.line.rx)

    async def replayed(link, buf, off, n):
        await read(link, buf, off, n)
        buf[off : off + n] = old[off : off + n]

    shop.till.sync.holders = b""
    monkeypatch.setattr(life.Link, "read_into", replayed)
    assert not asyncio.run(shop.till.sync.once())
    assert shop.till.sync.names == []


def test_between_conversations_there_is_no_connection(shop, monkeypatch):
    somebody = Tampering(monkeypatch)
    shop.sync()
    assert somebody.closed == 1
    assert not shop.board.link.is_open
    shop.sync()
    assert somebody.closed == 2


@pytest.mark.parametrize(("step", "does"), [("message", "compose"), ("reply", "read")])
def test_a_step_that_finds_no_room_half_way_is_made_later(shop, monkeypatch, step, does):
    module = importlib.import_module(f"firmware.acquirer.{step}")

    def full(*args):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(module, does, full)
        assert not asyncio.run(shop.till.sync.once())
    assert shop.till.sync.reached == sync.NEVER  # nothing is said of the acquirer
    shop.sync()
    assert shop.till.sync.reached == sync.REACHED


@pytest.mark.parametrize("fails", [False, True])
def test_a_handshake_that_puts_the_clock_forward_ends_no_lock_out(shop, monkeypatch, fails):
    clock, state, opened = shop.board.clock, shop.state, life.Link.open
    begins = clock.now() + 20 * 86400
    state.put(((store.ATTEMPTS, struct.pack(">BI", 5, clock.now() + 1800)),))

    async def behind(link):
        clock.begin_at(begins)  # the host's certificate begins there
        if fails:
            raise life.LinkError(4)
        await opened(link)

    monkeypatch.setattr(life.Link, "open", behind)
    for _ in range(2):
        asyncio.run(shop.till.sync.once())
        _, until = struct.unpack(">BI", state.get(store.ATTEMPTS))
        assert 1790 <= until - clock.now() <= 1800
    assert state.number(store.TIME) >= begins  # a start begins no earlier: it gets no longer
