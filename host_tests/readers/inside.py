"""The contactless reader's driver and EMV as they run on the device, in virtual time.

`inside.py ROOT`, only under MicroPython. The UART is the host's model, asked over stdin and
stdout; a wait is told to it and is over at once. A message is an operation, its length (2,
big-endian) and that many bytes; an answer has no operation.
"""

import asyncio
import json
import sys
import time
from asyncio import core
from struct import pack, unpack

for _own in ("binascii", "io", "json", "time"):
    sys.modules[_own] = __import__(_own)
sys.path[0] = sys.argv[1]

from drivers import contactless  # noqa: E402
from drivers.magstripe import Magstripe  # noqa: E402
from firmware.card import emv  # noqa: E402

_AHEAD_MS = 1 << 28  # of the real time, which the scheduler still takes for "now" in some places

_stdin = sys.stdin.buffer
_stdout = sys.stdout.buffer


def _tell(op, data=b""):
    _stdout.write(op + pack(">H", len(data)) + data)


def _read():
    head = _stdin.read(2)
    if len(head) < 2:
        sys.exit()  # nobody wants anything more
    size = unpack(">H", head)[0]
    return _stdin.read(size) if size else b""


class Uart:
    """The host's UART."""

    def init(self, baudrate):
        _tell(b"I", pack(">I", baudrate))

    def any(self):
        _tell(b"A")
        return unpack(">H", _read())[0]

    def readinto(self, buf, count=None):
        _tell(b"R", pack(">H", count or len(buf)))
        data = _read()
        for index in range(len(data)):
            buf[index] = data[index]
        return len(data) or None

    def write(self, buf):
        _tell(b"W", bytes(buf))


class Clock:
    """The scheduler's clock and the driver's; what the scheduler waits for is the host's time."""

    ticks_diff = time.ticks_diff
    map = {}

    def __init__(self):
        self._ms = time.ticks_add(time.ticks_ms(), _AHEAD_MS)

    def ticks_ms(self):
        return self._ms & 0x3FFFFFFF

    def wait_io_event(self, ms):
        if ms > 0:
            self._ms += ms
            _tell(b"T", pack(">I", ms))


async def read(reader, plan, clock):
    """Read up to `reads` cards until `until_ms`; return what came of each."""
    found, label = bytearray(emv.FOUND_LEN), bytearray(emv.LABEL_LEN)
    reads = []
    start_ms = clock.ticks_ms()
    while len(reads) < plan["reads"]:
        if time.ticks_diff(clock.ticks_ms(), start_ms) >= plan["until_ms"]:
            break
        if not await reader.look():
            await asyncio.sleep_ms(250)
            continue
        _tell(b"F")
        verdict = await emv.read(reader, found, label)
        texts = [str(bytes(part), "ascii").strip("\0") for part in (found[:4], found[4:], label)]
        reads.append([verdict] + texts + [list(reader.uid[: reader.uid_len])])
    return reads


async def arrive(reader, plan, clock):
    """Wait for a card, `until_ms` at most; return whether one came."""
    try:
        await asyncio.wait_for_ms(reader.arrival(), plan["until_ms"])
    except core.TimeoutError:
        return False
    return True


def main():
    while True:
        plan = json.loads(_read())
        asyncio.new_event_loop()
        clock = Clock()
        core.ticks = clock.ticks_ms
        core._io_queue = clock
        contactless.time = clock
        works = {"read": read, "arrive": arrive}
        try:
            uart = Uart()
            work = contactless.serve(uart, Magstripe(uart), works[plan["work"]], plan, clock)
            told = {"told": asyncio.run(work)}
        except Exception as fault:  # noqa: BLE001 - whatever it is, the terminal would have stopped
            sys.print_exception(fault, sys.stderr)
            told = {"fault": repr(fault)}
        _tell(b"X", json.dumps(told).encode())


main()
