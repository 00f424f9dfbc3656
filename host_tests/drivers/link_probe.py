"""Runs inside MicroPython: opens the line as told on the command line and prints what came of it.

Arguments: a folder with ca.der, terminal.der and key.der, host, port, server name, what to do, how
often, the limit in milliseconds, the largest piece of the chip's own heap, the file that rules the
time here (see tools.toolchain.clock; empty: this machine's), since when the clock stands, and
`watched` when the interpreter's `tls` is to be replaced by the one that lacks `getpeercert`.
Prints one line per round: code, milliseconds, free heap, the clock's time. Every round begins with
a clock that lost the time, or that the acquirer has set ("trusted").
"""

import asyncio
import gc
import sys
import time


class _Chip:
    """The chip's own heap, apart from Python's."""

    HEAP_DATA = 4

    def idf_heap_info(self, capabilities):
        return [(200000, 90000, int(sys.argv[8]), 0)]


class _Rtc:
    """The chip's clock, ahead of this machine's or behind."""

    ahead = 0

    def datetime(self, now):
        t = time.mktime((now[0], now[1], now[2], now[4], now[5], now[6], 0, 0))
        _Rtc.ahead += t - int(time.time())
        with open(sys.argv[9], "w") as file:
            file.write(f"{_Rtc.ahead:+d}")


class _Machine:
    RTC = _Rtc


sys.modules["esp32"] = _Chip()
sys.modules["machine"] = _Machine()
if sys.argv[11:] == ["watched"]:
    from tools.simulator.shims.lacking import rebind_tls  # noqa: F401

from drivers import clock, tls_link  # noqa: E402
from firmware import rooms  # noqa: E402


class _Wifi:
    connected = True
    connecting = False


class _Keystore:
    def __init__(self, folder):
        self._folder = folder

    def get_bytes(self, name):
        with open(self._folder + "/key.der", "rb") as file:
            return file.read()


async def _exchange(link, count):
    buf = bytearray(600)
    for index in range(len(buf)):
        buf[index] = index & 0xFF
    for _ in range(count):
        await link.write(buf, 300)
        answer = bytearray(310)
        await link.read_into(answer, 10, 300)
        if answer[10:] != buf[:300] or answer[:10] != bytes(10):
            raise AssertionError


def _filled(left):
    """Return what fills the heap but for about `left` bytes; the last pieces are small."""
    pieces = []
    for size in (1024, 256, 32):
        try:
            while gc.mem_free() > left + size:
                pieces.append(bytearray(size))
        except MemoryError:
            pass  # it is in smaller pieces than that
        gc.collect()
    return pieces


def _clock(trusted):
    if not sys.argv[9]:
        return clock.Clock()
    _Rtc().datetime((2000, 1, 1, 5, 0, 0, 0, 0))
    since = int(sys.argv[10])
    made = clock.Clock(since)
    if trusted:
        made.set(since)
    return made


async def _round(link, action, left):
    link.clock = _clock(action == "trusted")
    start = time.ticks_ms()
    code = 0
    pieces = _filled(left) if action == "full" else None
    try:
        if action == "cancel":
            task = asyncio.create_task(link.open())
            await asyncio.sleep_ms(300)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                code = -1
        else:
            await link.open()
            if action == "echo":
                await _exchange(link, 2)
        await link.close()
    except tls_link.LinkError as fault:
        code = fault.code
    except rooms.NoRoom:
        code = -2
    except MemoryError:
        code = -3
    del pieces
    if link.is_open:
        raise AssertionError
    gc.collect()
    print(code, time.ticks_diff(time.ticks_ms(), start), gc.mem_free(), link.clock.now())


async def _main():
    folder, host, port, name, action, rounds = sys.argv[1:7]
    tls_link.LIMIT_MS = int(sys.argv[7])
    link = tls_link.TlsLink(
        _Wifi(),
        host,
        int(port),
        name,
        folder,
        _Keystore(folder),
        None,
    )
    for index in range(int(rounds)):
        await _round(link, action, 20000 - 125 * index)


asyncio.run(_main())
