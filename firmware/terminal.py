"""Composition root: has the services built on the board, starts the tasks, feeds the watchdog.

The place where firmware and drivers meet. What errands work at is the `desk`.

What an errand fails with is unwound to here, so that its memory is free, and becomes a page in
`fault`; state or keys that can't be read or written end in `service`, whoever met them; what is
left starts the terminal again.
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
from firmware.desk import Desk
from firmware.storage import state as store
from firmware.storage.journal import StorageFault
from firmware.ui.pages import NONE, Idle

_WATCHDOG_MS = const(90000)  # above the longest time a name look-up blocks
_SETTLED_S = const(600)  # a start that has run for so long was a good one
_LOOK_MS = const(1000)
_LATER_S = const(10)  # until a task that found no room begins again


class Terminal:
    """The terminal on its board.

    board: drivers.parts.Parts. config: the provisioned settings.
    """

    def __init__(self, board, config):
        self.desk = Desk(board, config.get("hotline", ""))
        self._fault = None  # what ends the terminal
        self._person = None  # the task that attends to people
        try:
            rooms.ask("firmware.services", "build", self.desk, config)
        except StorageFault as fault:
            self._fault = fault  # run() says so

    def needs_service(self, code):
        """Show the page of a terminal that cannot work. Raises whatever keeps it from that."""
        rooms.ask("firmware.service", "run", self.desk, code)

    def run(self):
        """Run until power is cut. Raises StorageFault when the terminal needs service; what nobody
        has caught beside it starts it again.
        """
        try:
            asyncio.run(self._main())
        except StorageFault:
            raise
        except Exception as fault:
            # Neither an errand nor the event loop ends the terminal: what was pending is resumed.
            sys.print_exception(fault)
            self.desk.board.reset()

    async def _main(self):
        if self._fault is not None:
            raise self._fault
        desk = self.desk
        self._person = asyncio.current_task()
        asyncio.create_task(desk.board.keypad.run())
        asyncio.create_task(self._kept(desk.board.wifi.run))
        try:
            while True:
                await self._attend("first_start")
                if desk.state.has(store.OPERATOR):
                    break
            asyncio.create_task(self._kept(desk.sync.run))
            asyncio.create_task(self._kept(self._supervise))
            while True:
                try:
                    await self._attend("idle")
                    desk.operator = None
                except Idle:
                    pass  # left alone: the idle page says whoever was logged in is logged out
        except asyncio.CancelledError:
            raise self._fault from None

    async def _kept(self, work):
        # A task for ever. Without room it begins again later; what else it ends in ends the
        # terminal's run.
        while True:
            try:
                await work()
            except MemoryError:
                await asyncio.sleep(_LATER_S)
            except Exception as fault:
                self._fault = fault
                self._person.cancel()
                return

    async def _attend(self, name):
        # One person, from the errand `name` to log-out: the idle page leads to log-in, that to the
        # menu, and every errand back to it, but one that returns which is next, with what it is to
        # be given. Whatever one fails with is told. Who was left alone is logged out, and told so
        # by the idle page: it alone sees who that was.
        desk, trail, args = self.desk, [], ()
        desk.pages.drop_keys()
        while name is not None:
            told = found = None
            try:
                if name in desk.closed:
                    told = name
                else:
                    found = await desk.open(name, *args)
            except (Idle, StorageFault):
                raise
            except Exception as fault:
                told = fault
            if told is not None:
                try:  # by now what the errand held is free
                    await rooms.ask("firmware.fault", "run", desk, name, told)
                except MemoryError:
                    await self._told_with_what_there_is()
            if name == "idle":
                desk.operator = None
                name = "log_in"
                continue
            if name == "log_in":
                desk.operator = found
            if desk.operator is None:
                return
            name, args = found if isinstance(found, tuple) else ("main_menu", (trail,))

    async def _told_with_what_there_is(self):
        # Of no room, not even for the page that tells of it.
        pages = self.desk.pages
        pages.begin()
        code = NONE
        while code == NONE:
            try:
                pages.show("busy.title", pages.text("busy.body"), "", "ui.ok")
            except MemoryError:
                pass  # a second later, maybe; a key leads on
            try:
                code = await pages.key(_LOOK_MS)
            except MemoryError:
                await asyncio.sleep(1)
            except Idle:
                if self.desk.operator is not None:
                    raise

    async def _supervise(self):
        # The watchdog is fed only while the keypad is scanned: it bites when that task has ended,
        # or this one.
        board = self.desk.board
        board.start_watchdog(_WATCHDOG_MS)
        seen = -1
        left = _SETTLED_S
        while True:
            if board.keypad.beat != seen:
                seen = board.keypad.beat
                board.feed()
            left -= 1
            if not left:
                board.settled()
            await asyncio.sleep(1)
