"""The chip's `machine` for CPython: pins joined by keys, a bus, a UART, a watchdog.

Module-level state is the board on the bench: tests press keys with `press`, take a part off the
bus with `I2C.answering`, and call `power_on` to start afresh.
"""

_driven = {}
_closed = set()
shorts = []
resets = []
cause = 1  # of the last reset


class Reset(BaseException):
    """The chip was reset."""


def power_on():
    """Forget everything: no key pressed, no pin driven, the display answering."""
    _driven.clear()
    _closed.clear()
    shorts.clear()
    resets.clear()
    I2C.answering = frozenset((0x3C,))
    RTC.now = (2000, 1, 1, 5, 0, 0, 0, 0)
    RTC.held = b""
    WDT.started = ()


def press(first, second):
    """Close the contact between two pins."""
    _closed.add(frozenset((first, second)))


def release(first, second):
    """Open the contact between two pins."""
    _closed.discard(frozenset((first, second)))


def ground(number):
    """Hold a pin low from outside: a short to ground, or an input without its pull-up."""
    _driven["ground", number] = 0
    _closed.add(frozenset((number, ("ground", number))))


def _level(number):
    """Return what a pin reads: current flows through every closed contact, in both directions."""
    reached = {number}
    fresh = [number]
    while fresh:
        at = fresh.pop()
        for contact in _closed:
            if at in contact:
                for other in contact - reached:
                    reached.add(other)
                    fresh.append(other)
    levels = {_driven[pin] for pin in reached if pin in _driven}
    if levels == {0, 1}:
        shorts.append(number)
    return 0 if 0 in levels else 1


class Pin:
    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_UP = 2

    def __init__(self, number, mode=-1, pull=-1, *, value=None):
        self.number = number
        self.mode = mode
        self.pull = pull
        if value is not None:
            self.value(value)

    def value(self, level=None):
        if level is None:
            return _level(self.number)
        if self.mode == Pin.OPEN_DRAIN and level:
            _driven.pop(self.number, None)
        else:
            _driven[self.number] = int(bool(level))
        return None


class I2C:
    answering = frozenset((0x3C,))

    def __init__(self, number, *, sda, scl, freq=400000, timeout=50000):
        self.sent = []

    def writeto(self, address, buf, stop=True):
        if address not in I2C.answering:
            raise OSError(19)
        self.sent.append(bytes(buf))
        return 1

    def writevto(self, address, bufs, stop=True):
        return self.writeto(address, b"".join(bytes(buf) for buf in bufs), stop)


class UART:
    def __init__(self, number, *, baudrate=9600, tx=None, rx=None, rxbuf=256):
        self.init(rxbuf=rxbuf)

    def init(self, *, rxbuf, txbuf=256):
        """Take another buffer: what was received is lost."""
        self._room = rxbuf
        self._received = bytearray()

    def deinit(self):
        self.init(rxbuf=0)

    def feed(self, data):
        """Receive `data`; what finds no room is lost."""
        self._received += data[: self._room - len(self._received)]

    def any(self):
        return len(self._received)

    def readinto(self, buf, count=None):
        count = min(len(buf) if count is None else count, len(self._received))
        if not count:
            return None
        buf[:count] = self._received[:count]
        del self._received[:count]
        return count


class WDT:
    started = ()

    def __init__(self, *, timeout):
        self.timeout = timeout
        self.fed = 0
        WDT.started += (self,)

    def feed(self):
        self.fed += 1


class RTC:
    now = (2000, 1, 1, 5, 0, 0, 0, 0)
    held = b""  # what a reset leaves alone

    def datetime(self, now=None):
        if now is None:
            return RTC.now
        RTC.now = now
        return None

    def memory(self, data=None):
        if data is None:
            return RTC.held
        RTC.held = bytes(data)
        return None


def unique_id():
    return b"\x24\x0a\xc4\x00\x01\x02"


PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
SOFT_RESET = 5


def reset_cause():
    return cause


def reset():
    resets.append(1)
    raise Reset
