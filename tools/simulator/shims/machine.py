"""`machine` of an ESP32 as the firmware uses it, forwarded to the models in the host process.

Signatures, constants and errors are the ESP32 port's. What is seldom named is in `machine_more`,
loaded when it is: all of this takes heap that on the chip is the firmware's. For the same reason
parameters that are passed by position begin with an underscore, which lets the build shorten them.
"""

import time
from os import getenv
from struct import pack as _pack

import rebind_bus as _bus
from micropython import const

_PIN = const(0x01)
_LEVELS = const(0x02)
_UART_OPEN = const(0x06)
_UART_ANY = const(0x07)
_UART_READ = const(0x08)
_WDT_START = const(0x0A)
_WDT_FEED = const(0x0B)
_RTC_SET = const(0x0C)
_RESET = const(0x0D)
_I2C_OPEN = const(0x40)
_I2C_WRITE = const(0x44)

# 64 input levels and one byte: how many ms they hold, with bit 7 set if only until a pin changes.
_levels = bytearray(9)
_read_at = 0


class Pin:
    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2

    def __init__(self, id, mode=1, pull=None, *, value=None, **options):
        self.id = number(id)
        self.mode = mode
        self.level = 1 if value else 0
        _levels[8] = 0
        _bus.post(_PIN, self.id, mode | (pull or 0) << 4, self.level)

    def value(self, level=None):
        global _read_at
        if level is None:
            if self.mode == 3:
                return self.level
            held = _levels
            if time.ticks_diff(time.ticks_ms(), _read_at) >= held[8] & 127:
                _bus.ask(_LEVELS)
                _bus.take(held, 9)
                _read_at = time.ticks_ms()
            return held[self.id >> 3] >> (self.id & 7) & 1
        level = 1 if level else 0
        if level != self.level:
            self.level = level
            if _levels[8] & 128:
                _levels[8] = 0
            _bus.post(_PIN, self.id, 0, level)

    def __getattr__(self, name):
        return more(self, name)


def number(pin):
    """Return the GPIO number of a pin given as a number or as a `Pin`; 255 for None."""
    return 255 if pin is None else pin.id if isinstance(pin, Pin) else pin


class I2C:
    def __init__(self, id=0, *, scl=None, sda=None, **options):
        self.id = id
        _bus.ask(_I2C_OPEN | id, 0, bytes((number(scl), number(sda))))

    def writeto(self, addr, buf, stop=True):
        _bus.send(_I2C_WRITE | self.id, addr, buf, len(buf))
        return self.ack()

    def writevto(self, addr, _vector, stop=True):
        n = 0
        for part in _vector:
            n += len(part)
        _bus.post(_I2C_WRITE | self.id, addr, n & 255, n >> 8)
        for part in _vector:
            _bus.more(part)
        return self.ack()

    def ack(self):
        n = _bus.status()
        if n < 0:
            raise OSError(-n)
        return n

    def __getattr__(self, name):
        return more(self, name)


class UART:
    def __init__(self, id, baudrate=115200, _bits=8, _parity=None, stop=1, **options):
        self.id = id
        pins = number(options.get("tx")), number(options.get("rx"))
        facts = _pack("<BBHH", *pins, baudrate // 100, options.get("rxbuf", 256))
        _bus.ask(_UART_OPEN, id, facts)

    def any(self):
        return _bus.ask(_UART_ANY, self.id)

    def readinto(self, buf, _n=32767):
        n = min(_n, len(buf))
        _bus.send(_UART_READ, self.id, None, n)
        n = _bus.status()
        _bus.take(buf, n)
        return n or None

    def __getattr__(self, name):
        return more(self, name)


class WDT:
    def __init__(self, id=0, timeout=5000):
        _bus.ask(_WDT_START, 0, timeout.to_bytes(4, "little"))

    def feed(self):
        _bus.send(_WDT_FEED, 0, None, 0)


class RTC:
    def datetime(self, value=None):
        if value is None:
            return more(self, "get")()
        y, m, d, _, h, mi, s = value[:7]
        _bus.ask(_RTC_SET, 0, time.mktime((y, m, d, h, mi, s, 0, 0)).to_bytes(8, "little"))


def reset():
    _bus.ask(_RESET)


def unique_id():
    return bytes.fromhex(getenv("REBIND_UNIQUE_ID"))


def more(part, name):
    """Return what is rarely used of a part: the method `name` of its class in `machine_more`."""
    method = getattr(getattr(__getattr__("shelf"), type(part).__name__), name)
    return lambda *args, **options: method(part, *args, **options)


def __getattr__(name):
    import sys

    here = sys.path[:]
    sys.path[:] = (getenv("REBIND_SHIMS"),)
    try:
        import machine_more
    finally:
        sys.path[:] = here
    return getattr(machine_more, name)
