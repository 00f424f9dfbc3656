"""How often the terminal has started of late, and in which errand it failed last.

What always holds: it is kept in the chip's RTC memory, which a reset leaves alone, the watchdog's
and a panic's too: the count (1), the errand's name, their CRC-32 begun with _SEED (4). What is
there at power-on is noise and does not count, because it lacks the check value. boot.py counts; a
start by hand begins afresh: the plug pulled, a soft reset at the console. May import machine.
"""

from binascii import crc32

import machine
from micropython import const

_SEED = const(0x5242)  # our check value is nobody else's
_CHECK = const(4)
_ONCE = const(2)  # starts after which a failed errand is closed, and no reason to start again


def last():
    """Return the name of the errand that failed last, "" when none did."""
    return _held()[1:].decode()


def run(errand):
    """Note that `errand` has failed; return whether the terminal is to start again, which it does
    once: then False.
    """
    starts = max(_held()[0], 1)
    _keep(bytes((starts,)) + errand.encode())
    return starts < _ONCE


def _held():
    held = machine.RTC().memory()
    noted = held[:-_CHECK]
    return noted if noted and crc32(noted, _SEED) == _number(held[-_CHECK:]) else b"\0"


def _keep(noted):
    machine.RTC().memory(noted + crc32(noted, _SEED).to_bytes(_CHECK, "big"))


def _number(check):
    return int.from_bytes(check, "big")
