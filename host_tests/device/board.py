"""A board on the desk: what is behind its serial line, as a TCP server, on a real MicroPython.

A client sees byte for byte what an ESP32 shows: the boot log, the friendly and the raw REPL, raw
paste with its window, soft and hard resets. Behind it a MicroPython process runs the code, on a
littlefs that outlives it. What always holds: only what was written to that littlefs survives a
reset; bytes that overrun the window are lost and noted in `faults`; what boot.py and main.py do
before they put Ctrl-C off takes microseconds on a chip, and no time here. Written from the
description of the raw REPL in MicroPython's reference; speaks to any client of it.
"""

import json
import queue
import secrets
import signal
import socket
import subprocess
import threading
from pathlib import Path

from host_tests.conftest import ROOT, STUBS
from host_tests.on_device.conftest import micropython_command

FACTS = {
    "platform": "esp32",
    "machine": "Generic ESP32 module with ESP32",
    "version": (1, 26, 1),
    "flash_size": 4 << 20,
    "journal": True,
}
BLOCKS = 448  # of a flash of 4 MiB, behind the app and the journal

_BLOCK = 4096
_WINDOW = 128
_HEAP = 1024 * 1024
_ROM_LOG = (
    b"ets Jul 29 2019 12:21:46\r\n\r\nrst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"
)
_PANIC_LOG = (
    b"Guru Meditation Error: Core  1 panic'ed (LoadProhibited). Exception was unhandled.\r\n"
)
_PANICS = (signal.SIGSEGV, signal.SIGILL, signal.SIGBUS, signal.SIGABRT, signal.SIGTRAP)
_POWER, _HARD, _SOFT = 1, 2, 5  # what machine.reset_cause says; a panic's is that of a reset
_RAW = b"raw REPL; CTRL-B to exit\r\n>"


class Board:
    """A board whose file system is the file `disk`, made if missing, with `facts` about it.

    `url` is what PORT takes. `received` counts the bytes that came in. `log(text)` is what the
    line carries of what is printed: the chip's own tasks may put theirs among it. `panics` counts
    how often the interpreter was brought down; the chip starts again then.
    """

    def __init__(self, disk: Path, *, blocks: int = BLOCKS, **facts):
        self.disk = disk
        if not disk.exists():
            disk.write_bytes(b"\xff" * (blocks * _BLOCK))
        self.facts = {**FACTS, **facts}
        self.received = 0
        self.faults = []
        self.panics = 0
        self.log = lambda text: text
        self._cut_at = None
        self._power_too = False
        self._token = secrets.token_hex(8)
        self._events = queue.Queue()
        self._client = None
        self._process = None
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        self._loop = threading.Thread(target=self._dispatch, daemon=True)
        self._loop.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.close()
        self._events.put(("close", None))
        self._loop.join()

    def cut(self, after: int, power: bool):
        """Drop the connection when `after` more bytes have come in; with `power` the board too.

        It is there again for the next client, after a power cut from its boot on.
        """
        self._power_too = power
        self._cut_at = self.received + after

    # -- threads that only pass on -----------------------------------------------------------

    def _accept(self):
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._events.put(("open", client))
            threading.Thread(target=self._receive, args=(client,), daemon=True).start()

    def _receive(self, client):
        while True:
            try:
                data = client.recv(4096)
            except OSError:
                data = b""
            self._events.put(("in", (client, data)))
            if not data:
                return

    def _read(self, process):
        while data := process.stdout.read1(4096):
            self._events.put(("out", (process, data)))
        self._events.put(("ended", process))

    # -- one thread decides ------------------------------------------------------------------

    def _dispatch(self):
        self._power_on()
        while True:
            kind, what = self._events.get()
            if kind == "close":
                self._power_off()
                if self._client:
                    self._client.close()
                return
            if kind == "open":
                if self._client:
                    self._client.close()
                self._client = what
                if self._process is None:
                    self._power_on()
            elif kind == "in" and what[0] is self._client:
                self._typed(what[1])
            elif kind == "out" and what[0] is self._process:
                self._printed(what[1])
            elif kind == "ended" and what is self._process and -what.wait() in _PANICS:
                self.panics += 1
                self._restart(_PANIC_LOG)
            elif kind == "ended" and what is self._process:
                self.faults.append("the interpreter ended")
                self._power_off()
            elif kind == "log":
                self._cooked(what)
            else:
                self.happened(kind, what)

    def happened(self, kind, what):
        """Deal with an event that this board knows nothing of."""

    def _power_on(self, mode="friendly", halted=False, cause=_POWER):
        self._mode = mode
        self.cause = cause
        self._starting = not halted
        self._running = True  # boot.py and main.py
        self._deaf = True  # what comes in waits for the REPL
        self._interrupts = None  # whether Ctrl-C does; None: boot.py has yet to say it
        self._waiting = b""
        self._last_told = ""
        self._typed_bytes = b""
        self._paste = False
        self._granted = 0
        self._held = b""
        self._process = self.start("halted" if halted else mode)
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()

    def start(self, mode):
        """Start the chip's side on the stubs; return its process."""
        return self.interpret(mode, _HEAP, {"MICROPYPATH": f"{STUBS}:.frozen"})

    def interpret(self, mode, heap, environment, **options):
        """Start the chip's side in `heap` bytes; return its process."""
        inside = Path(__file__).with_name("inside.py")
        command = [micropython_command(), "-X", f"heapsize={heap}", inside]
        facts = json.dumps(self.facts)
        return subprocess.Popen(
            [*command, self._token, self.disk, facts, mode],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **options,
        )

    def _power_off(self):
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process = None

    def _send(self, data):
        if self._client:
            try:
                self._client.sendall(data)
            except OSError:
                self._client = None

    # -- what the code prints, and what the interpreter says of itself -------------------------

    def _printed(self, data):
        self._held += data
        token = self._token.encode()
        while (at := self._held.find(token)) >= 0 and len(self._held) > at + len(token):
            self._cooked(self._held[:at])
            letter = self._held[at + len(token) :][:1].decode()
            self._held = self._held[at + len(token) + 1 :]
            self._told(letter)
        keep = next(
            (n for n in range(len(token), 0, -1) if self._held.endswith(token[:n])),
            0,
        )
        if token not in self._held:
            end = len(self._held) - keep
            self._cooked(self._held[:end])
            self._held = self._held[end:]

    def _cooked(self, text):
        self._send(self.log(text).replace(b"\n", b"\r\n"))

    def _told(self, letter):
        if letter == self._last_told:
            return
        self._last_told = letter
        if letter == "1" and self._mode == "raw":
            self._send(b"\x04")
        elif letter == "2":
            self._send(b"\x04>" if self._mode == "raw" else b">>> ")
            self._listen()
        elif letter == "B":
            self._send(_RAW if self._mode == "raw" else self._banner())
            self._listen()
        elif letter == "K":
            self._let_in()
        elif letter == "Q":
            self._interrupts = False
        elif letter == "S":
            self._soft_reset()
        elif letter == "R":
            self._restart()

    def _let_in(self):
        """Have Ctrl-C interrupt boot.py or main.py, also one that came as the file was loaded."""
        early = self._starting and self._interrupts is None and b"\x03" in self._waiting
        waiting = self._waiting.rpartition(b"\x03")[2]
        self._interrupts = True
        if early:
            self._halt()
            self._waiting = waiting

    def _listen(self):
        self._running = self._deaf = self._starting = False
        waiting, self._waiting = self._waiting.rpartition(b"\x03")[2], b""
        self._take(waiting)

    def _restart(self, why=b""):
        self._power_off()
        self._send(why + _ROM_LOG)
        self._power_on(cause=_HARD)

    def _soft_reset(self):
        self._power_off()
        self._send(b"MPY: soft reboot\r\n")
        self._power_on(self._mode, cause=_SOFT)

    def _banner(self):
        version = ".".join(map(str, self.facts["version"]))
        name = self.facts["machine"]
        return (
            f"MicroPython v{version} on 2025-09-11; {name}\r\n"
            'Type "help()" for more information.\r\n>>> '
        ).encode()

    # -- what comes in -----------------------------------------------------------------------

    def _typed(self, data):
        if not data:
            self._client = None
            return
        if self._cut_at is not None and self.received + len(data) >= self._cut_at:
            data = data[: self._cut_at - self.received]
            self.received += len(data)
            self._take(data)
            self._cut_at = None
            self._client.shutdown(socket.SHUT_RDWR)
            self._client = None
            if self._power_too:
                self._power_off()
            return
        self.received += len(data)
        self._take(data)

    def _take(self, data):
        self._room = self._granted  # what is granted from now on was not waited for
        for value in data:
            char = bytes((value,))
            if self._process is None:
                return
            if self._running:
                self._to_code(char)
            elif self._paste:
                self._pasted(char)
            elif self._mode == "raw":
                self._to_raw_repl(char)
            else:
                self._to_friendly_repl(char)

    def _to_code(self, char):
        if char == b"\x03" and self._starting and self._interrupts:
            self._halt()
        elif self._deaf:
            self._waiting += char
        elif char == b"\x03":
            self._deaf = True
            self._process.send_signal(signal.SIGINT)
        else:
            self._write(char)

    def _halt(self):
        """Interrupt boot.py or main.py. A signal would hit the interpreter while it collects
        garbage, which it does not survive: what they had in memory goes instead.
        """
        self._power_off()
        self._send(b"Traceback (most recent call last):\r\nKeyboardInterrupt: \r\n")
        self._power_on(self._mode, halted=True, cause=self.cause)

    def _write(self, data):
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except BrokenPipeError:
            self.faults.append("the interpreter ended")

    def _pasted(self, char):
        if char in (b"\x03", b"\x04"):
            self._paste = False
            self._send(b"\x04")
            if char == b"\x03":
                self._send(b"\x04\x04>")
            else:
                self._execute("exec")
            return
        if self._room == 0:
            self.faults.append("the window was overrun")
            return
        self._room -= 1
        self._granted -= 1
        self._typed_bytes += char
        self._window -= 1
        if self._window == 0:
            self._window = _WINDOW
            self._granted += _WINDOW
            self._send(b"\x01")

    def _to_raw_repl(self, char):
        if char == b"\x01":
            if self._typed_bytes == b"\x05A":
                self._paste = True
                self._typed_bytes = b""
                self._window = _WINDOW
                self._granted = self._room = 2 * _WINDOW
                self._send(b"R\x01" + _WINDOW.to_bytes(2, "little") + b"\x01")
                return
            self._typed_bytes = b""
            self._send(_RAW)
        elif char == b"\x02":
            self._mode = "friendly"
            self._typed_bytes = b""
            self._send(b"\r\n" + self._banner())
        elif char == b"\x03":
            self._typed_bytes = b""
        elif char == b"\x04":
            self._send(b"OK")
            if self._typed_bytes:
                self._execute("exec")
            else:
                self._send(b"\r\n")
                self._soft_reset()
        else:
            self._typed_bytes += char

    def _to_friendly_repl(self, char):
        if char == b"\x01":
            self._mode = "raw"
            self._typed_bytes = b""
            self._send(b"\r\n" + _RAW)
        elif char == b"\x02":
            self._send(b"\r\n" + self._banner())
        elif char == b"\x03":
            self._typed_bytes = b""
            self._send(b"\r\n>>> ")
        elif char == b"\x04":
            self._send(b"\r\n")
            self._soft_reset()
        elif char == b"\r":
            self._send(b"\r\n")
            if self._typed_bytes:
                self._execute("single")
            else:
                self._send(b">>> ")
        else:
            self._typed_bytes += char
            self._send(char)

    def _execute(self, kind):
        code, self._typed_bytes = self._typed_bytes, b""
        self._running = True
        head = f"{self._token} {kind} {len(code)};".encode()
        self._write(head + code)
