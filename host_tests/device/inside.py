"""The chip's side of `board.py`, run inside MicroPython: one life, from power-on to a reset.

`micropython inside.py DISK FACTS MODE`. The root is a littlefs with the chip's parameters on the
file DISK; what is not there on this interpreter (machine, esp32, network, esp) comes from
host_tests/stubs. Code to run comes in on stdin, a line `TOKEN KIND LENGTH` before it; what happens
is told on stdout among what the code prints, as TOKEN and a letter: K when Ctrl-C interrupts from
now on, Q when it no longer does.
"""

import gc
import io
import json
import os
import sys
from struct import pack, unpack_from

import micropython

_BLOCK = 4096
_AT_BOOT = 3 * 1024  # what MicroPython itself has in Python's heap by then
_COMPILING = 3  # bytes that compiling takes for each of the source
_HEAP_INFO, _HEAP_NEEDED, _LINE, _RADIO = 0x50, 0x51, 0x52, 0x53
_ENOMEM = 12


class _Disk:
    """A block device on a file, erased to FF, as `esp32.Partition` is one."""

    def __init__(self, path):
        self._file = open(path, "r+b")
        self._blocks = os.stat(path)[6] // _BLOCK

    def readblocks(self, block, buf, offset=0):
        self._file.seek(block * _BLOCK + offset)
        self._file.readinto(buf)

    def writeblocks(self, block, buf, offset=0):
        self._file.seek(block * _BLOCK + offset)
        self._file.write(buf)

    def ioctl(self, command, argument):
        if command == 4:
            return self._blocks
        if command == 5:
            return _BLOCK
        if command == 6:
            self.writeblocks(argument, b"\xff" * _BLOCK)
        return 0


class _Chip:
    """`sys` as the board has it: what `facts` say, the rest is the interpreter's."""

    def __init__(self, facts):
        self.platform = facts["platform"]
        self.implementation = _Implementation(facts)

    def __getattr__(self, name):
        return getattr(sys, name)


class _Implementation:
    name = "micropython"

    def __init__(self, facts):
        self.version = tuple(facts["version"]) + ("",)
        self._machine = facts["machine"]
        self._mpy = facts.get("mpy", sys.implementation._mpy)


class _Esp:
    def __init__(self, facts):
        self._size = facts["flash_size"]

    def flash_size(self):
        return self._size


class _Memory:
    """Python's heap as the port has it, in a chip's that the process beside keeps account of."""

    def __init__(self):
        import rebind_bus

        self._bus = rebind_bus
        self._answer = bytearray(64)
        self._base = 0

    def boot(self):
        """Have nothing in memory but what MicroPython itself has there."""
        gc.collect()
        self._base = gc.mem_alloc() - _AT_BOOT

    def needs(self, more=0):
        """Have Python's heap grow as far as it is used; return (used, its size)."""
        used, size = self._ask(more)
        if used + more > size:
            gc.collect()
            used, size = self._ask(more)
        return used, size

    def _ask(self, more):
        used = max(self.mem_alloc(), 0)
        self._bus.ask(_HEAP_NEEDED, 0, pack("<II", used, more))
        self._bus.take(self._answer, 4)
        return used, unpack_from("<I", self._answer)[0]

    def info(self, capabilities):
        self.needs()
        size = self._bus.ask(_HEAP_INFO)
        self._bus.take(self._answer, size)
        return [unpack_from("<IIII", self._answer, at) for at in range(0, size, 16)]

    def mem_alloc(self):
        return gc.mem_alloc() - self._base

    def mem_free(self):
        """As the port has it: what Python's heap could grow by counts as free."""
        used, size = self.needs()
        return size - used + max([region[2] for region in self.info(0)])

    def line(self, stage, fault=None):
        """Have what the connection takes at `stage`; without room raise `fault`."""
        self.needs()
        if self._bus.ask(_LINE, stage) < 0:
            raise fault or OSError(_ENOMEM)

    def radio(self):
        """Raise what the radio ends in, if it does."""
        size = self._bus.ask(_RADIO)
        if size:
            self._bus.take(self._answer, size)
            raise RuntimeError(bytes(self._answer[:size]).decode())


class _Beside:
    """A module of the interpreter's of which some things are the chip's."""

    def __init__(self, module, things):
        self._module = module
        for name in things:
            setattr(self, name, things[name])

    def __getattr__(self, name):
        return getattr(self._module, name)


def _tls(memory):
    import tls

    class Context(tls.SSLContext):
        """What is short of memory is told as MicroPython does: of a certificate as a bad one."""

        def __init__(self, protocol):
            memory.line(0)
            super().__init__(protocol)

        def load_verify_locations(self, data):
            memory.line(1, ValueError("invalid cert"))
            super().load_verify_locations(data)

        def wrap_socket(self, raw, **options):
            memory.line(2)
            return Socket(super().wrap_socket(raw, **options))

    class Socket:
        def __init__(self, own):
            self._own = own
            self._stage = 3

        def __getattr__(self, name):
            return getattr(self._own, name)

        def readinto(self, buf):
            if self._stage == 3:
                memory.line(3, OSError(facts.get("no_room", _ENOMEM)))
                self._stage = 0
            return self._own.readinto(buf)

        def getpeercert(self, binary):
            found = self._own.getpeercert(binary)
            if found and self._stage == 0:
                memory.line(4)
                self._stage = 4
            return found

        def close(self):
            memory.line(5)
            self._own.close()

    return _Beside(tls, {"SSLContext": Context})


class _Never(BaseException):
    """A fitted board's parts see the reset and end this process."""


def _say(letter):
    while True:
        try:
            return sys.stdout.write(token + letter)  # said twice is understood
        except KeyboardInterrupt:
            pass


def _kbd_intr(char):
    _say("K" if char == 3 else "Q")


def _complain(fault):
    """Print a traceback without the lines of this file, which a board does not have."""
    printed = io.StringIO()
    sys.print_exception(fault, printed)
    for line in printed.getvalue().splitlines():
        if "inside.py" not in line:
            print(line)


def _mount(path):
    import vfs

    disk = _Disk(path)
    vfs.umount("/")
    try:
        vfs.mount(disk, "/")
    except OSError:
        vfs.VfsLfs2.mkfs(disk, readsize=32, progsize=32, lookahead=32)
        vfs.mount(disk, "/")
        with open("boot.py", "w") as file:
            file.write("# This file is executed on every boot\n")


def _fit(facts):
    """Put the board's modules in place and the facts into them."""
    import esp32
    import machine
    import network

    fitted = "parts" in facts
    sys.modules["micropython"] = _Beside(micropython, {"kbd_intr": _kbd_intr})
    if not fitted:
        network.WLAN.air = {}
        if facts["journal"]:
            esp32.Partition.fit("journal", 4)
    if facts["platform"] == "esp32":
        sys.modules["esp"] = _Esp(facts)
    sys.modules["sys"] = _Chip(facts)
    if fitted:
        _fit_memory(network, esp32)
    return _Never if fitted else machine.Reset


def _fit_memory(network, esp32):
    """Have Python's heap, TLS and the radio live in the memory that the chip has."""
    global memory
    memory = _Memory()
    sys.modules["gc"] = _Beside(gc, {"mem_free": memory.mem_free, "mem_alloc": memory.mem_alloc})
    sys.modules["tls"] = _tls(memory)
    esp32.idf_heap_info = memory.info

    class Radio(network.WLAN):
        def __init__(self, interface=0):
            memory.radio()
            super().__init__(interface)

    network.WLAN = Radio


def _run(source, name, kind):
    """Run `source` in the one namespace; tell whether it ended by itself."""
    if memory:
        memory.needs(_COMPILING * len(source))
    try:
        exec(compile(source, name, kind), space)
        return None
    except BaseException as fault:
        return fault


def _file(name):
    try:
        with open(name, "rb") as file:
            source = file.read()
    except (OSError, KeyboardInterrupt):
        return
    if b"kbd_intr" not in source:  # it does not say so itself, in its first lines
        _say("K")
    fault = _run(source, name, "exec")
    if isinstance(fault, (reset, SystemExit)):
        raise fault
    if fault:
        _complain(fault)


def _request():
    """Return (kind, source) of what comes in next."""
    line = b""
    while True:
        got = sys.stdin.buffer.read(1)
        if not got:
            raise SystemExit
        line += got
        start = line.rfind(token.encode())
        if start >= 0 and got == b";":
            _, kind, length = line[start:-1].decode().split(" ")
            return kind, sys.stdin.buffer.read(int(length))


def _serve():
    while True:
        kind, source = _request()
        fault = _run(source.decode(), "<stdin>", kind)
        if isinstance(fault, (reset, SystemExit)):
            raise fault
        _say("1")
        if fault:
            _complain(fault)
        _say("2")


token, disk, facts, mode = sys.argv[1:]
facts = json.loads(facts)
space = {"__name__": "__main__"}
memory = None
reset = _fit(facts)
_mount(disk)
sys.path[:] = ["", ".frozen", "/lib"]
life = []
if mode != "halted":
    life.append(lambda: _file("boot.py"))
if mode == "friendly":
    life.append(lambda: _file("main.py"))
life += [lambda: _say("B"), _serve]
if memory:
    memory.boot()
try:
    while True:
        try:
            while len(life) > 1:
                life.pop(0)()
            _serve()
        except KeyboardInterrupt:  # came as the code before had just ended
            pass
except reset:
    _say("R")
except SystemExit:
    _say("S")
