"""The parts of `machine` that are seldom named: RTC, SoftI2C, PWM, Timer and the like."""

import time

import machine
import rebind_bus as _wire
from micropython import const

_RTC_SET = const(0x0C)
_PWM = const(0x0E)


class RTC:
    def datetime(self, value=None):
        if value is None:
            t = time.gmtime()
            return (t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0)
        y, m, d, _, h, mi, s = value[:7]
        time.set_time(time.mktime((y, m, d, h, mi, s, 0, 0)))
        _wire.ask(_RTC_SET, 0, time.time().to_bytes(8, "little"))

    def init(self, value):
        self.datetime(value)


class SoftI2C(machine.I2C):
    _first = 2

    def __init__(self, scl, sda, *, freq=400000, timeout=50000):
        super().__init__(0, scl=scl, sda=sda)


class PWM:
    def __init__(self, dest, *, freq=5000, duty=None, duty_u16=None, duty_ns=None, invert=0):
        self._pin = machine.number(dest)
        self._duty = 0
        self._freq = 0
        self.init(freq=freq, duty=duty, duty_u16=duty_u16)

    def init(self, *, freq=None, duty=None, duty_u16=None):
        if freq is not None:
            self._freq = freq
        if duty is not None:
            duty_u16 = duty << 6
        if duty_u16 is not None:
            self._duty = duty_u16
        f = self._freq
        d = self._duty
        _wire.send(_PWM, self._pin, bytes((f & 255, f >> 8, d & 255, d >> 8)), 4)

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


def soft_reset():
    machine.reset()
