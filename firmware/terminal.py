"""Composition root: builds the services on the board, starts the tasks, feeds the watchdog.

The only importer of errands, and the only place where firmware and drivers meet. An errand is
given the Terminal as its `desk`: pages to show, services to ask, `open` to run another errand.
"""

import asyncio
import gc
import sys

from micropython import const

# In memory for good: native code must not be loaded a second time. Others find it loaded.
import firmware.card.track
import firmware.crypto.dukpt  # noqa: F401
import firmware.message.codec  # noqa: F401
import firmware.message.framing  # noqa: F401
from firmware.acquirer.identity import FRAME_MAX, SENT_MAX, Identity
from firmware.acquirer.sync import Sync
from firmware.binding.change import Change
from firmware.binding.model import Request
from firmware.storage import state as keys
from firmware.storage.journal import StorageFault
from firmware.storage.state import State
from firmware.ui.canvas import Canvas
from firmware.ui.font import Font
from firmware.ui.pages import Idle, Pages
from firmware.ui.text import Text

_WATCHDOG_MS = const(90000)  # above the longest time a name look-up blocks


def _load(path):
    # Return the module and the names of all that was loaded for it. Others may load more before
    # it is dropped: what they have loaded is theirs.
    resident = set(sys.modules)
    __import__(path)
    return sys.modules[path], [name for name in sys.modules if name not in resident]


def _drop(loaded):
    for name in loaded:
        sys.modules.pop(name, None)
        package, _, leaf = name.rpartition(".")
        if package in sys.modules and hasattr(sys.modules[package], leaf):
            delattr(sys.modules[package], leaf)
    gc.collect()


class Line:
    """The way to the acquirer: all that makes and reads messages, in memory only between `take`
    and `leave`.
    """

    def __init__(self, board, identity, state):
        self._parts = board, identity, state, bytearray(SENT_MAX), bytearray(FRAME_MAX)
        self._loaded = ()

    def take(self):
        """Return an Exchange. Raises StorageFault when the keys are missing or damaged."""
        gc.collect()
        module, self._loaded = _load("firmware.acquirer.conversation")
        return module.begin(*self._parts)

    def leave(self):
        """Forget the Exchange and its modules; the connection stays."""
        _drop(self._loaded)
        self._loaded = ()


class Terminal:
    """The terminal on its board, and the desk that errands work at.

    board: drivers.board.Board. config: the provisioned settings.
    """

    def __init__(self, board, config):
        self.board = board
        self.config = config
        self.operator = None  # who is logged in, 2 ASCII digits
        self.text = Text("assets/zh.bin")
        self.pages = Pages(Canvas(board.oled, Font("assets/font.bin")), board.keypad, self.text)

    def _build(self):
        # Raises StorageFault when state or keys can't be read.
        board, config = self.board, self.config
        state = self.state = State(board.flash, board.keystore, board.random)
        language = state.get(keys.LANGUAGE)
        if language is not None:
            self.use_language(language.decode())
        board.clock.raise_floor(state.number(keys.TIME))
        token_key = board.keystore.get_bytes("token_key")
        if token_key is None:
            raise StorageFault
        licence = config.get("licence")
        self.licence = None if licence is None else licence.encode()
        merchant = state.get(keys.MERCHANT) or config["merchant"].encode()
        self.identity = Identity(
            config["terminal"].encode(), merchant, config["serial"].encode(), token_key
        )
        line = Line(board, self.identity, state)
        line.take()  # keys that are missing or damaged show now
        line.leave()
        self.change = Change(state, board.clock)
        self.sync = Sync(line, self.identity, self.change, state, board.clock, board.wifi)
        self.clock = board.clock

    def use_language(self, language):
        """Show everything in `zh` or `en` from now on."""
        self.text.load("assets/%s.bin" % language)

    async def open(self, name, *args):
        """Run an errand; its module is in memory only meanwhile. Returns what it returns."""
        module, loaded = _load("firmware.errands." + name)
        try:
            return await module.run(self, *args)
        finally:
            module = None
            _drop(loaded)

    def begin_request(self, action, slot, reason, tlvs):
        """Store a request for `tlvs` as the pending one, in the name of who is logged in."""
        old = self.state.binding(slot)
        self.change.begin(
            Request(
                self.board.random(16),
                self.state.next_stan(),
                self.clock.now(),
                action,
                slot,
                reason,
                self.operator,
                self.operator != b"00",
                None if old is None else self.identity.token(old),
                tlvs,
            )
        )

    def log_out(self):
        """End the session: the next key wait in any errand leads back to the idle page."""
        self.operator = None

    def answer(self, code):
        """Return the last part of the text keys for DE 39 `code`: itself, or `other`."""
        try:
            code = code.decode()
            self.text("answer." + code)
            return code
        except (KeyError, UnicodeError):
            return "other"

    async def prove(self, number, title):
        """Ask for an operator's password until it is right; False when given up or locked."""
        return await self.open("own_password", number, title)

    async def swiped(self):
        """Wait for a card at the reader. Returns its number as digits, or the text key of what is
        wrong.
        """
        return await self.open("swipe")

    def date(self, epoch):
        """Return the local date and time (UTC+8) of an epoch, MM-DD HH:MM."""
        civil = [0] * 6
        self.clock.civil(epoch + 8 * 3600, civil)
        return "%02d-%02d %02d:%02d" % tuple(civil[1:5])

    def run(self):
        """Run until power is cut."""
        asyncio.run(self._main())

    async def _main(self):
        board = self.board
        asyncio.create_task(board.keypad.run())
        try:
            self._build()
        except StorageFault:
            await self._needs_service()
        gc.collect()
        asyncio.create_task(board.wifi.run())
        if self.state.get(keys.OPERATOR + 1) is None:
            await self.open("first_start")
        asyncio.create_task(self._supervise(asyncio.create_task(self.sync.run())))
        while True:
            await self._attend()

    async def _attend(self):
        # One person, from the idle page to log-out.
        self.operator = None
        await self.open("idle")
        try:
            self.operator = await self.open("log_in")
            if self.operator is not None:
                await self.open("main_menu")
        except Idle:
            pass  # left alone: whoever was logged in is logged out, the idle page says the rest
        except Exception as fault:
            # No errand may end the terminal: it starts again, and what was pending is resumed.
            sys.print_exception(fault)
            self.board.reset()

    async def _needs_service(self):
        # Nothing is wiped and nothing is tried: what is stored may still be read by the provider.
        self.pages.needs_service()
        while True:
            await asyncio.sleep(60)

    async def _supervise(self, syncing):
        # The watchdog is fed only while the keypad is scanned and the sync runs: a task that ended
        # in an error starts the terminal again, and what was pending is resumed.
        board = self.board
        board.start_watchdog(_WATCHDOG_MS)
        seen = -1
        while not syncing.done():
            if board.keypad.beat != seen:
                seen = board.keypad.beat
                board.feed()
            await asyncio.sleep(1)
        board.reset()
