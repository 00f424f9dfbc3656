"""A terminal on the desk: the firmware's process, its board, and what a person can do to it.

`SimulatedTerminal` starts MicroPython on the device's files with its hardware modules replaced by
the shims, and keeps the process's life: power off is SIGKILL, a reset or the watchdog starts it
again on the same flash images. Everything public here belongs to the host's event loop.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import socket
import threading
from pathlib import Path

from tools.build.file_system import file_system
from tools.simulator import interpreter
from tools.simulator.board import Board
from tools.simulator.models.link import Link
from tools.simulator.models.wifi import Network
from tools.toolchain import clock

HEAP = interpreter.heap()

_PAINT_S = 0.01  # a picture that is written in pieces is told once
_WATCH_S = 0.1
_RESET_CAUSES = {"power": 1, "reset": 2, "watchdog": 3, "soft reset": 5}
_ENDED = ("MicroPython ", "- with the key *")  # how the last lines begin of a start that failed
_TAPE = 2000  # console lines that are kept
_SEEN_S = 60  # a terminal that looks at no key for so long is at fault
_LOOK_S = 0.004
_HELD_SCANS = 2  # the first after the time may have begun before its end


class Signal:
    """Something that happens: callbacks, and waiting for what it brings about."""

    def __init__(self):
        self._callbacks = []
        self._waiting = set()

    def connect(self, callback):
        """Have `callback(*what)` called each time; return a function that ends it."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def emit(self, *what):
        for callback in list(self._callbacks):
            callback(*what)
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()

    async def wait(self):
        """Wait for the next time."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await future
        finally:
            self._waiting.discard(future)

    async def wait_for(self, predicate, seconds):
        """Wait until `predicate()` is true, asking each time; return whether it became so."""
        try:
            async with asyncio.timeout(seconds):
                while not predicate():
                    await self.wait()
        except TimeoutError:
            return bool(predicate())
        return True


class Console:
    """The serial line: what the firmware prints, and what an integrator types."""

    def __init__(self):
        self.lines = []
        self.printed = Signal()
        self._stdin = None

    def attach(self, stdin):
        self._stdin = stdin

    def say(self, line):
        """Add a line, and tell those who listen."""
        self.lines.append(line)
        del self.lines[:-_TAPE]
        self.printed.emit(line)

    def write(self, data):
        """Type bytes into the serial line."""
        if self._stdin is not None:
            self._stdin.write(data)


class Keypad:
    """A person's fingers on the key matrix."""

    def __init__(self, matrix, powered):
        self.matrix = matrix
        self._powered = powered
        self._last = None

    def down(self, key):
        """Put a finger on a key."""
        self.matrix.down(key)

    def up(self, key):
        """Lift it."""
        self.matrix.up(key)

    def press(self, key, hold_ms=0):
        """Press and release a key, after those pressed before; return an awaitable for its end.

        A key is held until the terminal has taken it and for `hold_ms` from then on, and the next
        one waits until its release was taken: so none is lost, and none becomes a long press,
        however slow either side is.
        """
        self._last = asyncio.ensure_future(self._press(key, hold_ms, self._last))
        return self._last

    async def _press(self, key, hold_ms, before):
        if before is not None and not before.done():
            await asyncio.wait([before])
        before = None  # a chain of all keys ever pressed would stay in memory
        try:
            if hold_ms:
                self.down(key)
                await self._seen(key)
                await asyncio.sleep(hold_ms / 1000)
                await self.scanned(_HELD_SCANS)
            else:
                self.matrix.tap(key)
                await self._seen(key)
        finally:
            self.up(key)
        await self._seen(key)

    @property
    def scans(self):
        """How often the terminal has looked at the keypad."""
        return self.matrix.scans

    async def scanned(self, scans):
        """Wait until the terminal has looked at the keypad so many times from now on."""
        end = self.matrix.scans + scans
        async with asyncio.timeout(_SEEN_S):
            while self._powered() and self.matrix.scans < end:
                await asyncio.sleep(_LOOK_S)

    async def _seen(self, key):
        async with asyncio.timeout(_SEEN_S):
            while self._powered() and not self.matrix.settled(key):
                await asyncio.sleep(_LOOK_S)


class SimulatedTerminal:
    """One terminal, made by `provision.provision` in `home`.

    home: directory with `fs` (the device's files, put into `vfs.bin` when it is switched on),
    `nvs.json`, `flash.bin` (the journal), `board.json` and `clock` (what the RTC is ahead).
    device_root: the device's files when they are not `home/fs`. heap: bytes, all of Python's
    memory. command: what runs MicroPython, if not the tool chain's own. rom: whether the chip's
    modules lie outside that memory, as in its ROM.

    `on`, `panel`, `keypad`, `reader`, `flash`, `nvs`, `wifi`, `link`, `console` are its parts;
    `changed` is told when the panel, the power or Wi-Fi changed, `died` when the process ended by
    itself, with its exit status, `starved` when the firmware ended for want of memory, with what
    to say to a person. One host process at a time may have a home open.
    """

    def __init__(self, home, device_root=None, heap=HEAP, command=None, rom=True):
        self.home = Path(home)
        self.root = Path(device_root) if device_root else self.home / "fs"
        self.heap = heap
        self.command = command
        self.rom = rom
        facts = json.loads((self.home / "board.json").read_text(encoding="utf-8"))
        self.facts = facts
        self._lock = _locked(self.home / "lock")
        networks = [Network(**network) for network in facts["networks"]]
        self.board = Board(self.home, facts["board"], networks)
        self.panel = self.board.panel
        self.reader = self.board.reader
        self.flash = self.board.flash
        self.nvs = self.board.nvs
        self.wifi = self.board.wifi
        self.keypad = Keypad(self.board.keypad, lambda: self.on)
        self.link = Link(facts["acquirer"][0], facts["acquirer"][1])
        self.console = Console()
        self.changed = Signal()
        self.died = Signal()
        self.starved = Signal()
        self.boots = 0
        self.on = False
        self._flashed = None
        self._process = None
        self._tasks = []
        self._thread = None
        self._wire = None
        self._stopping = asyncio.Lock()
        self._loop = None
        self._painting = False
        self._restart = None

    # -- power ------------------------------------------------------------------------------------

    async def power_on(self):
        """Switch on: boot from the flash image and the files as they are."""
        if self.on:
            return
        self._loop = asyncio.get_running_loop()
        self._listen()
        if self.link.local_port is None:
            await self.link.start()
            self._lead_to(self.link.local_port)
        self.link.up = self.wifi.up
        self.board.power_up()
        self._flash()
        await self._boot("power")

    async def power_off(self):
        """Pull the plug: the process is killed wherever it is."""
        self._restart = None
        await self._stop()
        self.panel.power_up()
        self.board.reset()
        self.link.up = False
        self.changed.emit()

    @property
    def pid(self):
        """The process in which the device runs, while it is on."""
        return self._process.pid

    async def close(self):
        """Switch off and let go of the files."""
        await self.power_off()
        await self.link.stop()
        self.link.local_port = None
        self.board.close()
        self._lock.close()

    def _lead_to(self, port):
        """Put the relay's port where the device looks for the acquirer's."""
        path = self.root / "config.json"
        if path.exists():
            config = json.loads(path.read_text(encoding="utf-8"))
            config["port"] = port
            path.write_text(json.dumps(config, ensure_ascii=False), encoding="utf-8")

    def _flash(self):
        """Put the device's files into its flash when they are not those that were put there last.

        What the terminal has written among them since then is gone, as with a board.
        """
        files = {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in self.root.rglob("*")
            if path.is_file()
        }
        if files != self._flashed:
            self.board.files.flash(file_system(files, self.board.files.size))
            self._flashed = files

    async def _boot(self, cause):
        mine, theirs = socket.socketpair()
        environment = {
            **os.environ,
            "TZ": "UTC",
            clock.FILE: str(self.board.clock.absolute()),
            "REBIND_BUS": str(theirs.fileno()),
            "REBIND_FLASH": self.board.images,
            "REBIND_RESET_CAUSE": str(_RESET_CAUSES[cause]),
            "REBIND_UNIQUE_ID": self.facts["unique_id"],
            "REBIND_ROM": str(int(self.rom)),
        }
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *interpreter.start_command(self.root, self.heap, self.command or clock.command()),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                cwd=self.root,
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._wire = mine
        self._thread = threading.Thread(
            target=self.board.serve, args=(mine,), name="terminal bus", daemon=True
        )
        self._thread.start()
        self.boots += 1
        self.on = True
        self.console.attach(self._process.stdin)
        self._tasks = [
            asyncio.ensure_future(self._read_console(self._process.stdout)),
            asyncio.ensure_future(self._watch(self._process)),
        ]
        self.changed.emit()

    async def _stop(self):
        """End process, thread and tasks, in the order that leaves nothing half-written."""
        async with self._stopping:  # who switches off may meet one that went off by itself
            self.on = False
            current = asyncio.current_task()
            for task in self._tasks:
                if task is not current:
                    task.cancel()
            self._tasks = []
            if self._process is not None:
                self._kill()
                await self._process.wait()
                self.console.attach(None)
                self._process = None
            if self._wire is not None:
                with contextlib.suppress(OSError):
                    self._wire.shutdown(socket.SHUT_RDWR)
                await asyncio.to_thread(self._thread.join)
                self._wire.close()
                self._wire = None

    def _kill(self):
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    # -- what the board tells ---------------------------------------------------------------------

    def _listen(self):
        self.board.log = lambda text: self.soon(self.console.say, f"[board] {text}")
        self.board.on_reset = self._on_reset
        self.board.wifi.on_change = lambda up: self.soon(self._on_wifi)
        self.panel.on_change = lambda: self.soon(self._paint)

    def soon(self, function, *arguments):
        """Have a function called on the host's event loop, from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody is looking any more
            self._loop.call_soon_threadsafe(function, *arguments)

    def _on_reset(self, cause):
        """On the bus thread: nothing of the firmware may run after this."""
        self._kill()
        self._restart = cause

    def _on_wifi(self):
        self.link.up = self.wifi.up
        self.changed.emit()

    def _paint(self):
        if not self._painting:
            self._painting = True
            self._loop.call_later(_PAINT_S, self._painted)

    def _painted(self):
        self._painting = False
        self.changed.emit()

    async def _read_console(self, stdout):
        full = self.heap < HEAP
        while line := await stdout.readline():
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            self.console.say(text)
            full |= text.startswith("MemoryError")
            if full and text.startswith(_ENDED):
                more = HEAP if self.heap < HEAP else 2 * self.heap
                self.starved.emit(f"{self.heap} bytes of memory are too little: HEAP={more}")

    async def _watch(self, process):
        """Wait for the end of the process; start it again when the chip would."""
        while process.returncode is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(process.wait()), _WATCH_S)
            if self.board.watchdog_bites:
                self._on_reset("watchdog")
        console = self._tasks[0]
        await asyncio.wait([console], timeout=1)
        cause, self._restart = self._restart, None
        if cause is None and process.returncode == 0:
            cause = "soft reset"
        await self._stop()
        if cause in ("reset", "watchdog", "soft reset"):
            self.console.say(f"[board] restart: {cause}")
            self.board.reset()
            await self._boot(cause)
            return
        self.panel.power_up()
        self.board.reset()
        if cause is None:
            cause = f"the interpreter ended with status {process.returncode}"
        self.console.say(f"[board] off: {cause}")
        self.link.up = False
        self.changed.emit()
        self.died.emit(process.returncode)

    # -- what a person sees -----------------------------------------------------------------------

    def screen(self):
        """Return the text on the panel, line by line, recognised from its pixels."""
        from tools.simulator.screen_reader import read

        return read(self.panel.pixels)


def _locked(path):
    """Open and lock a home's lock file. Raises RuntimeError when another process has it."""
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise RuntimeError(f"{path.parent} is in use by another terminal process") from None
    return file
