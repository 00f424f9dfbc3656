"""Composition root: has the services built on the board, starts the tasks, feeds the watchdog.

The only importer of errands, and the place where firmware and drivers meet. An errand is
given the Terminal as its `desk`: pages to show, services to ask, `open` to run another errand.
"""

import asyncio
import sys

from micropython import const

# In memory for good: native code must not be loaded a second time. Others find it loaded.
import firmware.card.tlv
import firmware.card.track
import firmware.crypto.compare  # noqa: F401
import firmware.crypto.dukpt  # noqa: F401
import firmware.crypto.seal  # noqa: F401
import firmware.message.codec  # noqa: F401
import firmware.message.framing  # noqa: F401
from firmware import rooms
from firmware.storage.journal import StorageFault
from firmware.ui.canvas import Canvas
from firmware.ui.font import Font
from firmware.ui.pages import Idle, Pages
from firmware.ui.text import Text

_WATCHDOG_MS = const(90000)  # above the longest time a name look-up blocks


class Terminal:
    """The terminal on its board, and the desk that errands work at.

    board: drivers.parts.Parts. config: the provisioned settings. hotline: the number to call for
    help, "" when none is provisioned.
    """

    def __init__(self, board, config):
        self.board = board
        self.operator = None  # who is logged in, 2 ASCII digits
        self.draft = None  # a form that is being filled in, see errands.draft
        self.text = Text("assets/zh.bin")
        canvas = Canvas(board.oled, Font("assets/font.bin"))
        self.pages = Pages(canvas, board.keypad, self.text, beep=board.beep)
        self.hotline = config.get("hotline", "")
        self.sync = None  # the last of the services
        from firmware import services

        try:
            services.build(self, config)
        except StorageFault:
            pass  # run() says so
        services = None
        rooms.drop(("firmware.services",))

    def use_language(self, language):
        """Show everything in `zh` or `en` from now on."""
        self.text.load("assets/%s.bin" % language)

    def open(self, name, *args):
        """Run an errand, to be awaited; its module is in memory only meanwhile. Returns what it
        returns.
        """
        return rooms.follow("firmware.errands." + name, self, *args)

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

    def run(self):
        """Run until power is cut; what nobody has caught starts it again."""
        try:
            asyncio.run(self._main())
        except Exception as fault:
            # Neither an errand nor the event loop ends the terminal: what was pending is resumed.
            sys.print_exception(fault)
            self.board.reset()

    async def _main(self):
        board = self.board
        asyncio.create_task(board.keypad.run())
        if self.sync is None:
            await self._needs_service()
        tasks = [asyncio.create_task(board.wifi.run())]
        try:
            await self.open("first_start")
        except StorageFault:
            await self._needs_service()
        tasks.append(asyncio.create_task(self.sync.run()))
        asyncio.create_task(self._supervise(tasks))
        while True:
            await self._attend()

    async def _attend(self):
        # One person, from the idle page to log-out. Who was left alone is logged out, and told so
        # by the idle page: until it is left, it alone sees who that was.
        self.pages.drop_keys()
        try:
            await self.open("idle")
            self.operator = None
            self.operator = await self.open("log_in")
            trail = []
            while self.operator is not None:
                errand = await self.open("main_menu", trail)
                if errand is None:
                    break
                await self.open(errand)
            self.operator = None
        except Idle:
            pass

    async def _needs_service(self):
        # Nothing is wiped and nothing is tried: what is stored may still be read by the provider.
        self.pages.needs_service(" ".join([self.hotline] + self.board.faults))
        while True:
            await asyncio.sleep(60)

    async def _supervise(self, tasks):
        # The watchdog is fed only while the keypad is scanned and the tasks run: one that ended in
        # an error starts the terminal again, and what was pending is resumed.
        board = self.board
        board.start_watchdog(_WATCHDOG_MS)
        seen = -1
        while not any([task.done() for task in tasks]):
            if board.keypad.beat != seen:
                seen = board.keypad.beat
                board.feed()
            await asyncio.sleep(1)
        board.reset()
