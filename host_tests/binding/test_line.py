"""What is proven of a reply before any of it is believed, against the acquirer's own host."""

import asyncio
import importlib
import struct

import pytest

from firmware.acquirer import sync
from firmware.binding import change, model
from firmware.message import codec
from firmware.storage import state as store
from host_tests.crash import life, world
from host_tests.crash.archive import Shop

SLOT = 1


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


def _waits_for_the_owner(shop):
    """A change is under review until the owner has confirmed it, and a person looks at it."""
    with shop.books.transaction():
        shop.books.set_merchant(world.MERCHANT, owner_confirms=True)
    shop.sync()
    shop.till.operator = life.OPERATOR
    tlvs = world.binding("11112222333344445")

    async def story():
        await shop.till.send((model.CHANGE_ACCOUNT, SLOT, 4, tlvs))
        shop.till.sync.watched = True

    asyncio.run(story())
    assert shop.till.change.phase == change.REVIEW
    return tlvs


def test_while_somebody_watches_every_question_goes_over_one_connection(shop, monkeypatch):
    tlvs = _waits_for_the_owner(shop)
    somebody, opened, said = Tampering(monkeypatch), [], []
    open_, write = life.Link.open, life.Link.write

    async def opening(link):
        opened.append(link)
        await open_(link)

    async def writing(link, buf, n):
        said.append(bytes(buf[:n]))
        await write(link, buf, n)

    monkeypatch.setattr(life.Link, "open", opening)
    monkeypatch.setattr(life.Link, "write", writing)
    for _ in range(3):
        shop.sync()
    assert (len(opened), somebody.closed, len(said)) == (1, 0, 3)  # nor any sign-on between
    assert shop.till.sync.last_outcome.again_s == 5
    asyncio.run(shop.board.link.close())  # the acquirer has closed it meanwhile
    shop.sync()
    assert len(opened) == 2
    (row,) = shop.books.under_review("owner")
    with shop.books.transaction():
        shop.books.move_on(row, row["created_at"] + 60)
    shop.sync()
    assert shop.state.binding(SLOT) == tlvs
    assert len(opened) == 2
    shop.till.sync.watched = False  # nobody looks any more
    shop.sync()
    assert not shop.board.link.is_open


def test_a_sign_on_that_is_due_is_made_while_somebody_watches_too(shop):
    _waits_for_the_owner(shop)
    shop.sync()
    before = shop.till.sync.reached_at
    shop.till.sync.reached_at -= sync.EVERY_S
    shop.sync()
    assert shop.till.sync.reached_at >= before
    shop.till.sync.reached = sync.UNREACHED  # the line was away: it comes first thing
    shop.sync()
    assert shop.till.sync.reached == sync.REACHED


def test_a_connection_that_was_lost_while_somebody_watches_is_made_anew(shop, monkeypatch):
    _waits_for_the_owner(shop)
    shop.sync()
    somebody = Tampering(monkeypatch)
    somebody.at = codec.BODY  # what comes can't be believed
    assert not asyncio.run(shop.till.sync.once())
    assert not shop.board.link.is_open
    assert shop.till.sync.last_outcome.lost()
    somebody.at = -1
    shop.sync()
    assert shop.till.sync.last_outcome.event == change.REVIEWING
