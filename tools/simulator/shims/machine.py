"""`machine` of an ESP32 as the firmware uses it, forwarded to the models in the host process.

Signatures, constants and errors are the ESP32 port's. As on the chip the pins are there from the
start: `Pin(n)` gives the same object each time and takes no heap.
"""

import time
from os import getenv
from struct import pack

import rebind_bus as bus
from micropython import const

_PIN = const(0x01)
_LEVELS = const(0x02)
_UART_OPEN = const(0x06)
_UART_ANY = const(0x07)
_UART_READ = const(0x08)
_UART_WRITE = const(0x09)
_WDT_START = const(0x0A)
_WDT_FEED = const(0x0B)
_RTC_SET = const(0x0C)
_RESET = const(0x0D)
_PWM = const(0x0E)
_RTC_GET = const(0x0F)
_RTC_READ = const(0x10)
_RTC_WRITE = const(0x11)
_I2C_OPEN = const(0x40)
_I2C_WRITE = const(0x44)
_I2C_READ = const(0x48)

_PINS = const(49)

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

    def __new__(cls, id, *args, **options):
        return _pins[number(id)]

    def __init__(self, id, mode=1, pull=None, *, value=None, **options):
        self.mode = mode
        self.level = 1 if value else 0
        _levels[8] = 0
        bus.post(_PIN, self.id, mode | (pull or 0) << 4, self.level)

    def value(self, level=None):
        global _read_at
        if level is None:
            if self.mode == 3:
                return self.level
            held = _levels
            if time.ticks_diff(time.ticks_ms(), _read_at) >= held[8] & 127:
                bus.ask(_LEVELS, self.id)
                bus.take(held, 9)
                _read_at = time.ticks_ms()
            return held[self.id >> 3] >> (self.id & 7) & 1
        level = 1 if level else 0
        if level != self.level:
            self.level = level
            if _levels[8] & 128:
                _levels[8] = 0
            bus.post(_PIN, self.id, 0, level)

    def __call__(self, level=None):
        return self.value(level)

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def init(self, mode=1, pull=None, *, value=None, **options):
        self.__init__(self.id, mode, pull, value=self.level if value is None else value)


def number(pin):
    """Return the GPIO number of a pin given as a number or as a `Pin`; 255 for None."""
    return 255 if pin is None else pin.id if isinstance(pin, Pin) else pin


def _pin(number):
    pin = object.__new__(Pin)
    pin.id = number
    pin.mode = 1
    pin.level = 0
    return pin


_pins = tuple([_pin(number) for number in range(_PINS)])


class I2C:
    def __init__(self, id=0, *, scl=None, sda=None, **options):
        self.id = id
        bus.ask(_I2C_OPEN | id, 0, bytes((number(scl), number(sda))))

    def scan(self):
        found = []
        for addr in range(8, 120):
            if bus.ask(_I2C_WRITE | self.id, addr) == 0:
                found.append(addr)
        return found

    def writeto(self, addr, buf, stop=True):
        bus.send(_I2C_WRITE | self.id, addr, buf, len(buf))
        return _acknowledged()

    def writevto(self, addr, vector, stop=True):
        n = 0
        for part in vector:
            n += len(part)
        bus.post(_I2C_WRITE | self.id, addr, n & 255, n >> 8)
        for part in vector:
            bus.more(part)
        return _acknowledged()

    def readfrom_into(self, addr, buf, stop=True):
        n = len(buf)
        bus.send(_I2C_READ | self.id, addr, n.to_bytes(2, "little"), 2)
        _acknowledged()
        bus.take(buf, n)

    def readfrom(self, addr, nbytes, stop=True):
        buf = bytearray(nbytes)
        self.readfrom_into(addr, buf)
        return bytes(buf)

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        self.writevto(addr, (bytes((memaddr,)), buf))

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        self.writeto(addr, bytes((memaddr,)), False)
        self.readfrom_into(addr, buf)


def _acknowledged():
    n = bus.status()
    if n < 0:
        raise OSError(-n)
    return n


def SoftI2C(scl, sda, **options):  # noqa: N802 (a class on the chip)
    return I2C(2, scl=scl, sda=sda)


class UART:
    def __init__(self, id, baudrate=115200, *args, tx=None, rx=None, rxbuf=256, txbuf=256):
        self.id = id
        self.facts = number(tx), number(rx), baudrate // 100
        self.init(rxbuf=rxbuf, txbuf=txbuf)

    def init(self, baudrate=0, *args, tx=None, rx=None, rxbuf=0, txbuf=0, **options):
        # What is not given stays as it is: 0 is a buffer as it was.
        was = self.facts
        self.facts = (
            was[0] if tx is None else number(tx),
            was[1] if rx is None else number(rx),
            baudrate // 100 or was[2],
        )
        if bus.ask(_UART_OPEN, self.id, pack("<BBHHH", *self.facts, rxbuf, txbuf)) < 0:
            raise OSError(-1, "ESP_FAIL")

    def any(self):
        return bus.ask(_UART_ANY, self.id)

    def readinto(self, buf, nbytes=32767):
        n = min(nbytes, len(buf))
        bus.send(_UART_READ, self.id, None, n)
        n = bus.status()
        bus.take(buf, n)
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
        bus.send(_UART_WRITE, self.id, buf, len(buf))
        return len(buf)

    def deinit(self):
        pass

    def flush(self):
        pass

    def txdone(self):
        return True


class WDT:
    def __init__(self, id=0, timeout=5000):
        bus.ask(_WDT_START, 0, timeout.to_bytes(4, "little"))

    def feed(self):
        bus.send(_WDT_FEED, 0, None, 0)


class RTC:
    def datetime(self, value=None):
        if value is None:
            now = bytearray(8)
            bus.ask(_RTC_GET)
            bus.take(now, 8)
            t = time.gmtime(int.from_bytes(now, "little"))
            return (t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0)
        y, m, d, _, h, mi, s = value[:7]
        bus.ask(_RTC_SET, 0, time.mktime((y, m, d, h, mi, s, 0, 0)).to_bytes(8, "little"))

    def memory(self, data=None):
        if data is None:
            n = bus.ask(_RTC_READ)
            held = bytearray(n)
            bus.take(held, n)
            return bytes(held)
        if len(data) > 2048:
            raise ValueError("buffer too long")
        bus.ask(_RTC_WRITE, 0, bytes(data))


class PWM:
    def __init__(self, dest, **options):
        self._pin = number(dest)
        self._duty = 0
        self._freq = 5000
        self.init(**options)

    def init(self, *, freq=None, duty=None, duty_u16=None, **options):
        if freq is not None:
            self._freq = freq
        if duty is not None:
            duty_u16 = duty << 6
        if duty_u16 is not None:
            self._duty = duty_u16
        f = self._freq
        d = self._duty
        bus.send(_PWM, self._pin, bytes((f & 255, f >> 8, d & 255, d >> 8)), 4)

    def freq(self, value=None):
        if value is None:
            return self._freq
        self.init(freq=value)

    def duty_u16(self, value=None):
        if value is None:
            return self._duty
        self.init(duty_u16=value)

    def duty(self, value=None):
        if value is None:
            return self._duty >> 6
        self.init(duty=value)

    def deinit(self):
        self.init(duty_u16=0)


class Timer:
    """A timer that fires while the event loop runs, because this interpreter has no interrupts."""

    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id, **options):
        self._task = None
        if options:
            self.init(**options)

    def init(self, *, mode=PERIODIC, freq=-1, period=-1, callback=None, hard=False):
        import asyncio

        self.deinit()
        self._task = asyncio.create_task(
            self._run(mode, period if freq == -1 else 1000 // freq, callback)
        )

    async def _run(self, mode, period, callback):
        import asyncio

        while True:
            await asyncio.sleep_ms(period)
            callback(self)
            if mode == Timer.ONE_SHOT:
                return

    def deinit(self):
        if self._task is not None:
            self._task.cancel()
            self._task = None


def unique_id():
    return bytes.fromhex(getenv("REBIND_UNIQUE_ID"))


def reset_cause():
    return int(getenv("REBIND_RESET_CAUSE"))


def reset():
    bus.ask(_RESET)


def soft_reset():
    bus.ask(_RESET, 1)


def freq(hz=None):
    return 240000000


def idle():
    time.sleep_ms(1)


def lightsleep(ms=0):
    time.sleep_ms(ms)


def disable_irq():
    return 0


def enable_irq(state):
    pass
