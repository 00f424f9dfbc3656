"""Where a life is lived: in this process, or in a MicroPython process, one after another.

What always holds: the same `life` module, in virtual time; what a life does and what it reports is
the same in every run. May import life, world; tools.build for MicroPython.
"""

import asyncio
import gc
import json
import math
import selectors
import struct
import subprocess

from firmware.acquirer import message, outcomes, reply, sign_on, taking_over
from firmware.binding import transition
from firmware.errands import outcome, propose, submission
from firmware.storage import recovery
from host_tests.crash import ROOT, life
from host_tests.crash.world import CONFIG
from tools.build import device, mpy
from tools.build.tree import build
from tools.simulator import interpreter

_HERE = ROOT / "host_tests" / "crash"
# Not loaded anew in each of thousands of lives.
RESIDENT = (
    *(taking_over, outcomes, message, reply, sign_on),
    *(transition, outcome, propose, submission, recovery),
)


class _Waiting(selectors.SelectSelector):
    """Waits by moving the world's time."""

    def __init__(self, world):
        super().__init__()
        self._world = world

    def select(self, timeout=None):
        if timeout is None:
            raise RuntimeError("the terminal waits for nothing")
        if timeout > 0:
            self._world.passed(math.ceil(timeout * 1000))
        return []


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, world):
        self._world = world
        self._start_ms = world.now_ms()
        super().__init__(_Waiting(world))

    def time(self):
        return (self._world.now_ms() - self._start_ms) / 1000


class CPython:
    """Lives in this process. way: what lives a life, `life.live` or what takes the same."""

    name = "CPython"

    def __init__(self, way=life.live):
        self._way = way
        gc.freeze()  # the firmware collects often: let it look at its own life only

    def live(self, world, plan):
        """Live one life in `world`, from what it has."""
        start = world.snapshot()

        def run(coroutine):
            with asyncio.Runner(loop_factory=lambda: _Loop(world)) as runner:
                runner.run(coroutine)

        self._way(world, plan, CONFIG, start.flash, dict(start.nvs), run)

    def close(self):
        """No more lives."""
        gc.unfreeze()


class Stopped(Exception):
    """The terminal's process ended, or its life ended in an error."""


class MicroPython:
    """Lives in a process of the interpreter that the toolchain installed, on the firmware as the
    build makes it: linked and compiled.
    """

    name = "MicroPython"

    def __init__(self):
        tree = compiled()
        path = [".frozen", str(tree), str(_HERE)]
        program = f"import sys;sys.path[:]={path};import remote"
        self._process = subprocess.Popen(
            [*interpreter.command(), "-X", "heapsize=2M", "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=tree,
        )

    def live(self, world, plan):
        """Live one life in `world`, from what it has. Raises Stopped."""
        start = world.snapshot()
        told = {
            "plan": plan,
            "config": CONFIG,
            "now_ms": start.now_ms,
            "nvs": {name: value.hex() for name, value in start.nvs.items()},
        }
        self._answer(json.dumps(told).encode())
        self._answer(start.flash)
        while True:
            op, size = struct.unpack(">cI", self._take(5))
            data = self._take(size)
            if op == b"X":
                break
            answer = _OPERATIONS[op](world, data)
            if answer is not None:
                self._answer(answer)
        if data:
            raise Stopped(data.decode())

    def close(self):
        """End the process."""
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def _take(self, size):
        data = self._process.stdout.read(size)
        if len(data) != size:
            raise Stopped("the process ended")
        return data

    def _answer(self, data):
        self._process.stdin.write(struct.pack(">I", len(data)) + data)
        self._process.stdin.flush()


def _program(world, data):
    sector, off = struct.unpack(">HH", data[:4])
    world.program(sector, off, data[4:])


def _commit(world, data):
    size, is_there = data[:2]
    world.commit(data[2 : 2 + size].decode(), data[2 + size :] if is_there else None)


_OPERATIONS = {
    b"P": _program,
    b"E": lambda world, data: world.erase(int.from_bytes(data, "big")),
    b"C": _commit,
    b"T": lambda world, data: world.passed(int.from_bytes(data, "big")),
    b"N": lambda world, data: world.random(data[0]),
    b"O": lambda world, data: world.owner_code(),
    b"K": lambda world, data: world.typed(data.decode()),
    b"M": lambda world, data: world.mark(*data.decode().split(" ", 1)),
    b"R": lambda world, data: world.report(*data.decode().split(" ", 1)),
    b"A": lambda world, data: bytes([world.alive()]),
    b"L": lambda world, data: bytes([world.connect()]),
    b"S": lambda world, data: bytes([world.send(data)]),
    b"W": lambda world, data: bytes([world.wait(int.from_bytes(data, "big"))]),
    b"V": lambda world, data: world.receive(int.from_bytes(data, "big")),
    b"H": lambda world, data: world.hang_up(),
}


def compiled():
    """Compile what is out of date of the firmware, linked, and of `life`; return the folder.

    The drivers are not linked: a life puts its own time into one of them.
    """
    own = (_HERE / "life.py").read_text("utf-8")
    units = {**device.UNITS, "firmware.rooms": ()}
    house = device.house(guests=(own, (_HERE / "remote.py").read_text("utf-8")), units=units)
    arch = mpy.host_arch()
    out = ROOT / "build" / "crash"
    linked = {"life": own, **house.modules()}
    build([mpy.module(text, mpy.path(name), arch) for name, text in linked.items()], out)
    return out
