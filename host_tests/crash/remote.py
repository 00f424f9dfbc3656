"""The world as a MicroPython process sees it: asked over stdin and stdout, one life after another.

What always holds: time is virtual, a wait is told to the world and is over at once; what needs no
answer is sent with the next question. Runs only under MicroPython; imported last, by `-c`. May
import life.

A message is an operation, its length (4, big-endian) and that many bytes; so is an answer, without
the operation.
"""

import asyncio
import gc
import json
import sys
import time
from asyncio import core
from binascii import unhexlify
from struct import pack, unpack

import life

_AHEAD_MS = 1 << 28  # of the real time, which the scheduler still takes for "now" in some places

_stdin = sys.stdin.buffer
_stdout = sys.stdout.buffer


class World:
    """What world.World is to a life; see there."""

    def __init__(self, now_ms):
        self._now_ms = now_ms
        self._waiting = bytearray()
        self._erased = False

    def _tell(self, op, data=b""):
        self._waiting.extend(pack(">BI", ord(op), len(data)))
        self._waiting.extend(data)

    def _ask(self, op, data=b""):
        self._tell(op, data)
        self.flush()
        return _read()

    def flush(self):
        _stdout.write(self._waiting)
        self._waiting = bytearray()

    def program(self, sector, off, data):
        self._tell("P", pack(">HH", sector, off) + data)

    def erase(self, sector):
        self._erased = True
        self._tell("E", pack(">H", sector))

    def has_erased(self):
        return self._erased

    def commit(self, name, value):
        self._tell("C", pack(">BB", len(name), value is not None) + name.encode() + (value or b""))

    def now_ms(self):
        return self._now_ms

    def passed(self, ms):
        self._now_ms += ms
        self._tell("T", pack(">I", ms))

    def random(self, n):
        return self._ask("N", bytes((n,)))

    def owner_code(self):
        return self._ask("O")

    def typed(self, secret):
        self._tell("K", secret.encode())

    def mark(self, kind, text):
        self._tell("M", kind.encode() + b" " + text.encode())

    def report(self, stage, text):
        self._tell("R", stage.encode() + b" " + text.encode())

    def alive(self):
        return self._ask("A") != b"\0"

    def connect(self):
        return self._ask("L")[0]

    def send(self, frame):
        return self._ask("S", frame)[0]

    def wait(self, n):
        return self._ask("W", pack(">H", n))[0]

    def receive(self, n):
        return self._ask("V", pack(">H", n))

    def hang_up(self):
        self._tell("H")

    def end(self, fault):
        self._tell("X", fault.encode())
        self.flush()


class Waiting:
    """Stands in for the scheduler's poll: the world's time moves instead."""

    map = {}

    def __init__(self, world, clock):
        self._world = world
        self._clock = clock

    def wait_io_event(self, ms):
        if ms > 0:
            self._world.passed(ms)
            self._clock.ms += ms


class Ticks:
    """The scheduler's clock."""

    def __init__(self):
        self.ms = time.ticks_add(time.ticks_ms(), _AHEAD_MS)

    def __call__(self):
        return self.ms & 0x3FFFFFFF


def _read():
    head = _stdin.read(4)
    if len(head) < 4:
        sys.exit()  # nobody wants another life
    size = unpack(">I", head)[0]
    return _stdin.read(size) if size else b""


def _one(told, cells):
    gc.collect()
    world = World(told["now_ms"])

    def run(coroutine):
        asyncio.new_event_loop()
        core.ticks = clock = Ticks()
        core._io_queue = Waiting(world, clock)
        asyncio.run(coroutine)

    entries = {name: unhexlify(value) for name, value in told["nvs"].items()}
    fault = ""
    try:
        life.live(world, told["plan"], told["config"], cells, entries, run)
    except Exception as error:  # noqa: BLE001 - whatever it is, the terminal would have stopped
        sys.print_exception(error, sys.stderr)
        fault = repr(error)
    world.end(fault)


def _main():
    while True:
        told = json.loads(_read())
        _one(told, _read())


_main()
