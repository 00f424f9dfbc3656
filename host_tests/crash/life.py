"""One life of the terminal, from power on: the firmware as it is, on stand-ins for its parts.

Runs under CPython and under MicroPython. What always holds: services are those that
`services` builds, with the sync running as it does there; only parts and pages are stood
in for, and people are played by a script. Everything durable and everything sent goes through the
`world`, which sees it before it happens. May import firmware, drivers.clock.
"""

import asyncio
import json
from binascii import hexlify, unhexlify

from drivers import clock as clocks
from drivers.flash import Flash
from firmware import services
from firmware.access import attempts, operators, proving, reset, roster
from firmware.access.operators import Operators
from firmware.acquirer import sync, taking_over
from firmware.binding import change
from firmware.binding.request import pending
from firmware.crypto import cmac
from firmware.desk import Desk
from firmware.storage import audit_log
from firmware.storage import state as store
from firmware.storage.journal import StorageFault

OPERATOR = b"01"
SUPERVISOR = b"00"
_ADDED = b"07"
_OPERATOR_CARD = b"200700012345"
_SECTOR = 4096
_TITLE = "change.title"
_TIMEOUT = 6  # drivers.tls_link: nothing was heard within the limit
_DRAWN = ("first_00", "first_01")  # entries that are gone after the first start
_CERTIFIED = 1793491200  # 2026-11-01: the terminal's certificate is not older


class Partition:
    """The journal's partition, in the block-device protocol."""

    def __init__(self, world, cells):
        self._world = world
        self._cells = bytearray(cells)

    def ioctl(self, command, argument):
        if command == 4:
            return len(self._cells) // _SECTOR
        self._world.erase(argument)
        start = argument * _SECTOR
        self._cells[start : start + _SECTOR] = b"\xff" * _SECTOR
        return 0

    def readblocks(self, block, buf, offset):
        at = block * _SECTOR + offset
        buf[:] = memoryview(self._cells)[at : at + len(buf)]

    def writeblocks(self, block, buf, offset):
        self._world.program(block, offset, bytes(buf))
        cells = self._cells
        at = block * _SECTOR + offset
        for byte in buf:
            cells[at] &= byte
            at += 1


class Keystore:
    """What drivers.keystore offers: an entry is replaced by one commit."""

    def __init__(self, world, entries):
        self._world = world
        self._entries = entries

    def get(self, name, buf):
        value = self._entries.get(name)
        if value is None:
            return -1
        buf[: len(value)] = value
        return len(value)

    def get_bytes(self, name):
        return self._entries.get(name)

    def put(self, name, data):
        data = bytes(data)
        self._world.commit(name, data)
        self._entries[name] = data

    def erase(self, name):
        if name in self._entries:
            self._world.commit(name, None)
            del self._entries[name]


class LinkError(Exception):
    """The line failed in the step `code`."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Link:
    """What drivers.tls_link offers; the world answers, at once or when the time limit is over.

    busy: a conversation is under way.
    """

    def __init__(self, world):
        self._world = world
        self.is_open = False
        self.busy = False

    async def open(self):
        self.busy = True
        if not (self.is_open and self._world.alive()):
            self.is_open = False
            await self._done(self._world.connect())
            self.is_open = True

    async def write(self, buf, n):
        await self._done(self._world.send(bytes(memoryview(buf)[:n])))

    async def read_into(self, buf, off, n):
        await self._done(self._world.wait(n))
        buf[off : off + n] = self._world.receive(n)

    async def close(self):
        self._world.hang_up()
        self.is_open = False
        self.busy = False

    async def _done(self, code):
        await asyncio.sleep(0)
        if code:
            if code == _TIMEOUT:
                await asyncio.sleep(30)
            await self.close()
            raise LinkError(code)


class Chip:
    """The chip's time: it begins in 2000 at each start. Stands in for `time` and `machine`."""

    def __init__(self, world):
        self._world = world
        self._start_ms = world.now_ms()

    def gmtime(self, seconds):
        return (2000, 1, 1)

    def time(self):
        return (self._world.now_ms() - self._start_ms) // 1000

    def RTC(self):
        return self

    def datetime(self, parts):
        """Does not rule `time`: the clock then keeps the difference itself."""


class Wifi:
    """A network that is always there: the line is what breaks."""

    connected = True
    connecting = False


class Board:
    """drivers.board.Board as far as services use it."""

    def __init__(self, world, cells, entries):
        self.flash = Flash(Partition(world, cells))
        self.keystore = Keystore(world, entries)
        self.link = Link(world)
        self.link_error = LinkError
        self.wifi = Wifi()
        self.random = world.random
        self.clock = clocks.Clock(_CERTIFIED)

    async def beep(self, ms):
        """Nobody hears."""


class Pages:
    """Nobody looks: every page is confirmed at once."""

    async def working(self, work, title=None, line="", step=0, steps=0):
        return await work

    async def message(self, title, body, ok_only=False):
        return True

    def busy(self, title, line, step=0, steps=0):
        pass

    def begin(self):
        pass

    def show(self, title, body, hint_left="", hint_right=""):
        pass

    async def key(self, tick_ms):
        """A page that waits for something else is watched, and nobody presses a key."""
        await asyncio.sleep(tick_ms / 1000)
        return -1


class Words:
    """Nobody reads."""

    def __call__(self, key, datum=None):
        return ""

    def load(self, path):
        pass


class Till(Desk):
    """The desk that errands work at, the terminal's own but for the screen, and its people."""

    def __init__(self, board, plan, world):
        self.board = board
        self.operator = self.draft = self.ended = None
        self.hotline = ""
        self.text = Words()
        self.pages = Pages()
        self.plan = plan
        self.world = world
        self.syncing = None

    def first_start(self):
        """Whatever a start has to do before there is an operator."""
        return self.open("first_start")

    # -- what people do --------------------------------------------------------------------------

    async def log_in(self, number, password):
        """Enter a password; tell the world when it is looked at. Returns the result."""
        self.world.typed(password.decode())
        checking = asyncio.create_task(proving.check(self, number, bytearray(password)))
        await asyncio.sleep(0)
        if not checking.done():
            self.world.mark("guess", number.decode())
        result, _ = await checking
        if result == operators.GRANTED:
            self.world.mark("opened", number.decode())
        return result

    async def prove(self, number, title):
        password = self.plan["passwords"][number.decode()].encode()
        return await self.log_in(number, password) == operators.GRANTED

    async def send(self, proposal):
        """The owner's code of now, and a card's CVV2 where it is wanted, and off it goes."""
        secrets = ((change.CODE, bytearray(self.world.owner_code())),)
        cvv2 = self.plan.get("cvv2")
        if cvv2:
            self.world.typed(cvv2)
            secrets += ((change.CVV2, bytearray(cvv2.encode())),)
        self.sync.keep(secrets)
        await self.open("propose", *proposal)
        await self.open("submission", _TITLE)
        await self.watch()

    async def watch(self):
        """Whoever waits for the owner stays at the page of that, if the plan says so."""
        if self.plan.get("watched") and self.change.phase == change.REVIEW:
            await self.open("waiting")

    async def do_install(self):
        """The first start has done it all."""
        await self.reached()

    async def do_passwords(self):
        for number, password in self.plan["passwords"].items():
            await Operators(self).set_password(number.encode(), bytearray(password.encode()))
        await self.reached()

    async def do_fill(self):
        """Turn the language over so many times, or until a sector is erased; say how often."""
        await self.reached()
        count, times = 0, self.plan["times"]
        while count < times if times else not self.world.has_erased():
            self.state.put(((store.LANGUAGE, b"zh" if count % 2 else b"en"),) * self.plan["width"])
            count += 1
        self.world.mark("filled", str(count))

    async def do_change(self):
        await self.reached()
        self.operator = OPERATOR
        if await self.prove(OPERATOR, _TITLE) and await self.prove(SUPERVISOR, _TITLE):
            plan = self.plan
            tlvs = unhexlify(plan["tlvs"])
            await self.send((plan["action"], plan["slot"], plan["reason"], tlvs))

    async def do_password(self):
        """Prove the old one, choose the new one."""
        if await self.log_in(OPERATOR, self.plan["old"].encode()) == operators.GRANTED:
            self.world.typed(self.plan["new"])
            await Operators(self).set_password(OPERATOR, bytearray(self.plan["new"].encode()))

    async def do_reset(self):
        """Forgotten: the provider answers the challenge, and a new password is chosen."""
        challenge = bytes(reset.run(self, OPERATOR))
        message, tag = self.identity.terminal + OPERATOR + challenge, bytearray(16)
        key = self.board.keystore.get_bytes("service_key")
        cmac.mac(key, message, 0, len(message), tag, 0)
        response = b"%08d" % (int.from_bytes(tag[:4], "big") % 100000000)
        self.world.typed(response.decode())
        if reset.check(self, OPERATOR, response)[0] == reset.RIGHT:
            self.world.typed(self.plan["new"])
            chosen = bytearray(self.plan["new"].encode())
            await Operators(self).set_password(OPERATOR, chosen, True)

    async def do_staff(self):
        """Add an operator who fails to log in, lock it, give it a card, and delete it again."""
        first = bytearray(8)
        await roster.run(self, _ADDED, first)
        self.world.typed(first.decode())
        await self.log_in(_ADDED, b"999999")
        roster.switch(self, _ADDED)
        self.world.typed(_OPERATOR_CARD.decode())
        roster.use_card(self, _ADDED, _OPERATOR_CARD)
        roster.delete(self, _ADDED)

    async def do_guess(self):
        """Try wrong passwords until the terminal no longer listens."""
        for _ in range(20):
            if await self.log_in(OPERATOR, b"999999") == operators.LOCKED:
                return

    async def unlocked(self):
        """Wait until the lock-out is over."""
        while attempts.locked(self, OPERATOR):
            await asyncio.sleep(60)

    async def do_nothing(self):
        pass

    # -- what follows, after a cut as after an errand --------------------------------------------

    async def reached(self):
        await self.until(lambda: self.sync.reached == sync.REACHED)

    def settled(self):
        """Nothing is under way: no request, and no conversation that may still fail."""
        if self.board.link.busy or self.sync.reached != sync.REACHED:
            return False
        return self.change.phase in (change.IDLE, change.STORED)

    async def until(self, condition):
        """Wait for it, up to the plan's patience; a sync that ended is raised from."""
        left_s = self.plan["patience_s"]
        while left_s > 0 and not condition():
            if self.syncing.done():
                await self.syncing
            await asyncio.sleep(5)
            left_s -= 5

    async def rest(self):
        """Let it settle; what was never sent is sent now, what changed elsewhere is accepted."""
        await self.watch()
        await self.until(self.settled)
        if self.change.phase == change.STORED:
            await asyncio.sleep(61)  # the next code
            self.operator, waited = OPERATOR, pending(self.state)
            await self.send((waited.action, waited.slot, waited.reason, waited.tlvs))
            await self.until(self.settled)
        for slot, theirs in list(self.sync.differing):
            if theirs and await self.prove(SUPERVISOR, _TITLE):
                taking_over.take_over(self.sync, slot, theirs, SUPERVISOR)
        if self.plan["errand"] == "guess":
            for _ in range(2):  # the lock-out that there is, and one that is twice as long
                await self.do_guess()
                await self.unlocked()
        await asyncio.sleep(self.plan["linger_s"])
        right = []
        for password in self.plan["probe"]:
            result = await self.log_in(OPERATOR, password.encode())
            if result == operators.LOCKED:  # attempts that were cut have been counted
                await self.unlocked()
                result = await self.log_in(OPERATOR, password.encode())
            if result in (operators.GRANTED, operators.MUST_CHANGE):
                right.append(password)
        await self.until(self.settled)
        return right

    def facts(self):
        """What can be seen from outside, as plain data."""
        state, found = self.state, {}
        slots = [slot for slot in range(1, store.SLOTS + 1) if state.binding(slot) is not None]
        found["bindings"] = [[slot, _hex(state.binding(slot))] for slot in slots]
        found["backups"] = [
            [slot, _hex(state.backup(slot))]
            for slot in range(1, store.SLOTS + 1)
            if state.backup(slot) is not None
        ]
        found["phase"] = self.change.phase
        found["records"] = [_hex(record) for record in state.change_records()]
        found["left"] = attempts.left(self, OPERATOR)
        found["staff"] = [number.decode() for number, _, _ in roster.listed(state)]
        there = _ADDED.decode() in found["staff"]
        found["orphaned"] = not there and attempts.left(self, _ADDED) < attempts.ATTEMPTS_MAX
        found["merchant"] = self.identity.merchant.decode()
        found["settled"] = self.settled()
        found["audit"] = [state.journal.number, _hex(state.journal.chain)]
        return found

    def history(self):
        """What else is looked at in the end: what was drawn for the first start, the audit log."""
        has = self.board.keystore.get_bytes
        return {
            "drawn": [name for name in _DRAWN if has(name) is not None],
            "log": [
                _hex(number.to_bytes(4, "big") + entry[:9] + chain + entry[9:])
                for number, _, chain, entry in audit_log.entries(self.state.journal)
            ],
        }


def _hex(data):
    return hexlify(data).decode()


async def _kept(work):
    # As the terminal keeps its tasks: without room one begins again later.
    while True:
        try:
            return await work()
        except MemoryError:
            await asyncio.sleep(30)


async def _live(till, config, world):
    try:
        services.build(till, config)
    except StorageFault:
        world.report("service", "{}")
        return
    world.report("booted", json.dumps(till.facts()))
    await _kept(till.first_start)
    till.syncing = asyncio.create_task(_kept(till.sync.run))
    told = False
    try:
        if not till.plan["resumed"]:
            await getattr(till, "do_" + till.plan["errand"])()
        right = await till.rest()
    except MemoryError:
        told = True
        right = await till.rest()  # told "busy, try again"; people go on later
    facts = till.facts()
    facts.update({"right": right, "told": told})
    facts.update(till.history())
    world.report("settled", json.dumps(facts))


def live(world, plan, config, cells, entries, run):
    """Live one life: power on with these cells and entries, the plan's errand, rest.

    plan: {"errand", "resumed", "patience_s", "passwords", "probe", ...}. run: runs a coroutine in
    virtual time. What is found goes to `world.report`.
    """
    chip = Chip(world)
    kept = clocks.time, clocks.machine
    clocks.time = clocks.machine = chip
    try:
        run(_live(Till(Board(world, cells, entries), plan, world), config, world))
    finally:
        clocks.time, clocks.machine = kept
