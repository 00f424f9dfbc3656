"""The chip's side of `board.py`, run inside MicroPython: one life, from power-on to a reset.

`micropython inside.py DISK FACTS MODE`. The root is a littlefs with the chip's parameters on the
file DISK; what is not there on this interpreter (machine, esp32, network, esp) comes from
host_tests/stubs. Code to run comes in on stdin, a line `TOKEN KIND LENGTH` before it; what happens
is told on stdout among what the code prints, as TOKEN and a letter.
"""

import io
import json
import os
import sys

_BLOCK = 4096


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


class _Never(BaseException):
    """A fitted board's parts see the reset and end this process."""


def _say(letter):
    while True:
        try:
            return sys.stdout.write(token + letter)  # said twice is understood
        except KeyboardInterrupt:
            pass


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
    if not fitted:
        network.WLAN.air = {}
        if facts["journal"]:
            esp32.Partition.fit("journal", 4)
    if facts["platform"] == "esp32":
        sys.modules["esp"] = _Esp(facts)
    sys.modules["sys"] = _Chip(facts)
    return _Never if fitted else machine.Reset


def _run(source, name, kind):
    """Run `source` in the one namespace; tell whether it ended by itself."""
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
reset = _fit(facts)
_mount(disk)
sys.path[:] = ["", ".frozen", "/lib"]
life = []
if mode != "halted":
    life.append(lambda: _file("boot.py"))
if mode == "friendly":
    life.append(lambda: _file("main.py"))
life += [lambda: _say("B"), _serve]
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
