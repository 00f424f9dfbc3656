"""The rest of the hardware modules' names, loaded when one of them is used."""

import time
from os import getenv

import machine
import rebind_bus as _bus
from micropython import const

_UART_WRITE = const(0x09)
_RESET = const(0x0D)
_PWM = const(0x0E)
_RTC_GET = const(0x0F)
_I2C_WRITE = const(0x44)
_I2C_READ = const(0x48)

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5


class _Pin:
    def __call__(self, level=None):
        return self.value(level)

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def init(self, mode=1, pull=None, *, value=None, **options):
        level = self.level if value is None else value
        machine.Pin.__init__(self, self.id, mode, pull, value=level)


class _I2C:
    def scan(self):
        found = []
        for addr in range(8, 120):
            if _bus.ask(_I2C_WRITE | self.id, addr) == 0:
                found.append(addr)
        return found

    def readfrom_into(self, addr, buf, stop=True):
        n = len(buf)
        _bus.send(_I2C_READ | self.id, addr, n.to_bytes(2, "little"), 2)
        self.ack()
        _bus.take(buf, n)

    def readfrom(self, addr, nbytes, stop=True):
        buf = bytearray(nbytes)
        self.readfrom_into(addr, buf)
        return bytes(buf)

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        self.writevto(addr, (bytes((memaddr,)), buf))

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        self.writeto(addr, bytes((memaddr,)), False)
        self.readfrom_into(addr, buf)


class _UART:
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
        _bus.send(_UART_WRITE, self.id, buf, len(buf))
        return len(buf)

    def init(self, baudrate=115200, *args, **options):
        machine.UART.__init__(self, self.id, baudrate, *args, **options)

    def deinit(self):
        pass

    def flush(self):
        pass

    def txdone(self):
        return True


class _RTC:
    def get(self):
        now = bytearray(8)
        _bus.ask(_RTC_GET)
        _bus.take(now, 8)
        t = time.gmtime(int.from_bytes(now, "little"))
        return (t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0)


class _NVS:
    def get_i32(self, key):
        buf = bytearray(4)
        self.get_blob(key, buf, 0x69)
        n = int.from_bytes(buf, "little")
        return n - (1 << 32) if buf[3] & 128 else n

    def set_i32(self, key, value):
        self.set_blob(key, (value & 0xFFFFFFFF).to_bytes(4, "little"), 0x69)


class _Partition:
    def info(self):
        return (1, 0x81, 0x200000, self.ioctl(4, 0) * 4096, self.label, False)


class _WLAN:
    def ifconfig(self, value=None):
        if self.isconnected():
            return ("192.168.4.20", "255.255.255.0", "192.168.4.1", "192.168.4.1")
        return ("0.0.0.0",) * 4


class shelf:
    """The rare methods of the classes in machine, esp32 and network."""

    Pin = _Pin
    I2C = SoftI2C = _I2C
    UART = _UART
    RTC = _RTC
    NVS = _NVS
    Partition = _Partition
    WLAN = _WLAN


def SoftI2C(scl, sda, **options):  # noqa: N802 (a class on the chip)
    return machine.I2C(2, scl=scl, sda=sda)


class PWM:
    def __init__(self, dest, **options):
        self._pin = machine.number(dest)
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
        _bus.send(_PWM, self._pin, bytes((f & 255, f >> 8, d & 255, d >> 8)), 4)

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


def reset_cause():
    return int(getenv("REBIND_RESET_CAUSE"))


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
    _bus.ask(_RESET, 1)


# network

AP_IF = 1
STAT_BEACON_TIMEOUT = 200
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202
STAT_ASSOC_FAIL = 203
STAT_HANDSHAKE_TIMEOUT = 204
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
AUTH_OPEN = 0
AUTH_WEP = 1
AUTH_WPA_PSK = 2
AUTH_WPA2_PSK = 3
AUTH_WPA_WPA2_PSK = 4
AUTH_WPA2_ENTERPRISE = 5
AUTH_WPA3_PSK = 6
AUTH_WPA2_WPA3_PSK = 7


def hostname(name=None):
    return "esp32"


def country(code=None):
    return "CN"


# esp32

HEAP_DATA = 4
HEAP_EXEC = 1


def idf_heap_info(capabilities):
    return [(232000, 120000, 106000, 98000)]
