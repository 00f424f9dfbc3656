"""A counter with a contactless reader: the driver in MicroPython, models here, virtual time.

What always holds: nothing takes real time but the work, so a story is the same on any host. May
import tools.simulator.
"""

import heapq
import json
import struct
import subprocess
from dataclasses import dataclass
from itertools import count

from firmware.card import emv
from host_tests.conftest import ROOT
from tools.simulator import interpreter
from tools.simulator.models.pn532 import Pn532
from tools.simulator.models.serial_port import SerialPort

_RING = 1024


class Stopped(Exception):
    """The driver's process ended, or its work ended in an error."""


@dataclass(frozen=True)
class Read:
    """What came of a card."""

    verdict: int
    expiry: str
    number: str
    label: str
    uid: bytes


class Driver:
    """The process; one for many counters."""

    def __init__(self):
        script = ROOT / "host_tests/readers/inside.py"
        self._process = subprocess.Popen(
            [*interpreter.command(), "-X", "heapsize=1M", str(script), str(ROOT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )

    def close(self):
        """End the process."""
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def take(self):
        """Return the next operation and its data."""
        head = self._bytes(3)
        op, size = struct.unpack(">cH", head)
        return op, self._bytes(size)

    def answer(self, data):
        """Answer an operation."""
        self._process.stdin.write(struct.pack(">H", len(data)) + data)
        self._process.stdin.flush()

    def _bytes(self, size):
        data = self._process.stdout.read(size)
        if len(data) != size:
            raise Stopped("the process ended")
        return data


class Counter:
    """One reader at one UART. `now_ms`: the time here; `known_ms`: how long each number took from
    the moment when the card was found; `turns`: how often the driver has given the loop its turn.
    """

    def __init__(self, driver):
        self.now_ms = 0
        self.turns = 0
        self.port = SerialPort(clock=self._seconds)
        self.reader = Pn532(self.port, clock=self._seconds)
        self._driver = driver
        self._order = count()
        self._plans = []
        self.port.open(115200, _RING)

    def _seconds(self):
        return self.now_ms / 1000

    def at(self, ms, act):
        """Do it when `ms` have passed from now."""
        heapq.heappush(self._plans, (self.now_ms + ms, next(self._order), act))

    def read(self, *cards, reads=1, until_ms=3000):
        """Lay the cards into the field, have up to so many reads done, and take away what is still
        there; return the reads.
        """
        for card in cards:
            self.reader.put(card)
        told = self._do({"work": "read", "reads": reads, "until_ms": until_ms})
        for card in set(self.reader.cards).intersection(cards):
            self.reader.take(card)
        return [Read(*one[:4], bytes(one[4])) for one in told]

    def read_one(self, *cards, until_ms=3000):
        """Return the one read that comes of the cards."""
        reads = self.read(*cards, until_ms=until_ms)
        assert len(reads) == 1, "no card was found"
        return reads[0]

    def arrive(self, until_ms):
        """Return whether a card is found in time."""
        return self._do({"work": "arrive", "until_ms": until_ms})

    def _do(self, plan):
        self._driver.answer(json.dumps(plan).encode())
        while True:
            op, data = self._driver.take()
            if op == b"X":
                break
            self._answer(op, data)
        told = json.loads(data)
        if "fault" in told:
            raise Stopped(told["fault"])
        return told["told"]

    def _answer(self, op, data):
        if op == b"A":
            self._driver.answer(struct.pack(">H", self.port.waiting()))
        elif op == b"R":
            self._driver.answer(self.port.take(int.from_bytes(data, "big")))
        elif op == b"W":
            self.port.transmit(data)
        elif op == b"I":
            self.port.open(int.from_bytes(data, "big"), _RING)
        elif op == b"F":
            self.found_ms = self.now_ms
        else:
            self.turns += 1
            self._pass(int.from_bytes(data, "big"))

    def _pass(self, ms):
        until = self.now_ms + ms
        while self._plans and self._plans[0][0] <= until:
            self.now_ms, _, act = heapq.heappop(self._plans)
            act()
        self.now_ms = until


VERDICTS = {
    value: name
    for name, value in vars(emv).items()
    if name.isupper() and isinstance(value, int) and not name.endswith("_LEN") and name[0] != "_"
}
