"""`machine` of an ESP32 as the firmware uses it, forwarded to the models in the host process.

Signatures, constants and errors are the ESP32 port's. What is seldom used is in `machine_more`,
loaded when first named: all of this costs heap that on the chip is the firmware's.
"""

from os import getenv
from time import ticks_diff as _ticks_diff
from time import ticks_ms as _ticks_ms

import rebind_bus as _wire
from micropython import const

_PIN = const(0x01)
_LEVELS = const(0x02)
_UART_OPEN = const(0x06)
_UART_ANY = const(0x07)
_UART_READ = const(0x08)
_UART_WRITE = const(0x09)
_WDT_START = const(0x0A)
_WDT_FEED = const(0x0B)
_RESET = const(0x0D)
_I2C_OPEN = const(0x40)
_I2C_WRITE = const(0x44)
_I2C_READ = const(0x48)

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

# 64 input levels and one byte: how many ms they hold, with bit 7 set if only until a pin changes.
_levels = bytearray(9)
_read_at = 0


class Pin:
    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2

    def __init__(self, id, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        self._id = number(id)
        self._mode = 1
        self._level = 0
        self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        if value is not None:
            self._level = 1 if value else 0
        if mode != -1:
            self._mode = mode
        _levels[8] = 0
        _wire.post(
            _PIN,
            self._id,
            self._mode | (pull or 0) << 4 if pull != -1 else self._mode,
            self._level,
        )

    def value(self, level=None):
        global _read_at
        if level is None:
            if self._mode == 3:
                return self._level
            held = _levels
            now = _ticks_ms()
            if _ticks_diff(now, _read_at) >= held[8] & 127:
                _wire.ask(_LEVELS)
                _wire.take(held, 9)
                _read_at = now
            return held[self._id >> 3] >> (self._id & 7) & 1
        level = 1 if level else 0
        if level != self._level:
            self._level = level
            if _levels[8] & 128:
                _levels[8] = 0
            _wire.post(_PIN, self._id, 0, level)

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def irq(self, handler=None, trigger=3):
        raise NotImplementedError("pin interrupts are not simulated")


def number(pin):
    """Return the GPIO number of a pin given as a number or as a `Pin`; 255 for None."""
    return 255 if pin is None else pin._id if isinstance(pin, Pin) else pin


class I2C:
    _first = 0

    def __init__(self, id=0, *, scl=None, sda=None, freq=400000, timeout=50000):
        self._id = self._first + id
        _wire.ask(_I2C_OPEN | self._id, 0, bytes((number(scl), number(sda))))

    def scan(self):
        found = []
        for addr in range(8, 120):
            if _wire.ask(_I2C_WRITE | self._id, addr) == 0:
                found.append(addr)
        return found

    def writeto(self, addr, buf, stop=True):
        _wire.send(_I2C_WRITE | self._id, addr, buf, len(buf))
        return self._acknowledged()

    def writevto(self, addr, vector, stop=True):
        n = 0
        for part in vector:
            n += len(part)
        _wire.post(_I2C_WRITE | self._id, addr, n & 255, n >> 8)
        for part in vector:
            _wire.more(part)
        return self._acknowledged()

    def _acknowledged(self):
        n = _wire.status()
        if n < 0:
            raise OSError(-n)
        return n

    def readfrom_into(self, addr, buf, stop=True):
        n = len(buf)
        _wire.post(_I2C_READ | self._id, addr, 2, 0)
        _wire.more(bytes((n & 255, n >> 8)))
        self._acknowledged()
        _wire.take(buf, n)

    def readfrom(self, addr, nbytes, stop=True):
        buf = bytearray(nbytes)
        self.readfrom_into(addr, buf)
        return bytes(buf)

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        self.writevto(addr, (bytes((memaddr,)), buf))

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        self.writeto(addr, bytes((memaddr,)), False)
        self.readfrom_into(addr, buf)


class UART:
    def __init__(self, id, baudrate=115200, *args, **options):
        self._id = id
        self.init(baudrate, *args, **options)

    def init(
        self,
        baudrate=115200,
        bits=8,
        parity=None,
        stop=1,
        *,
        tx=None,
        rx=None,
        rts=None,
        cts=None,
        txbuf=256,
        rxbuf=256,
        timeout=0,
        timeout_char=0,
        invert=0,
        flow=0,
    ):
        baud = baudrate // 100
        _wire.ask(
            _UART_OPEN,
            self._id,
            bytes((number(tx), number(rx), baud & 255, baud >> 8, rxbuf & 255, rxbuf >> 8)),
        )

    def any(self):
        return _wire.ask(_UART_ANY, self._id)

    def readinto(self, buf, nbytes=-1):
        n = len(buf) if nbytes < 0 or nbytes > len(buf) else nbytes
        _wire.post(_UART_READ, self._id, n & 255, n >> 8)
        _wire.flush()
        n = _wire.status()
        _wire.take(buf, n)
        return n or None

    def read(self, nbytes=-1):
        n = self.any()
        if nbytes >= 0 and n > nbytes:
            n = nbytes
        if n == 0:
            return None
        buf = bytearray(n)
        self.readinto(buf)
        return bytes(buf)

    def write(self, buf):
        _wire.send(_UART_WRITE, self._id, buf, len(buf))
        return len(buf)

    def deinit(self):
        pass

    def flush(self):
        pass

    def txdone(self):
        return True


class WDT:
    def __init__(self, id=0, timeout=5000):
        _wire.ask(_WDT_START, 0, timeout.to_bytes(4, "little"))

    def feed(self):
        _wire.post(_WDT_FEED)
        _wire.flush()


def reset():
    _wire.ask(_RESET)


def unique_id():
    return bytes.fromhex(getenv("REBIND_UNIQUE_ID"))


def reset_cause():
    return int(getenv("REBIND_RESET_CAUSE"))
