"""Hot functions that are byte code keep their frames on the stack.

With the heap locked MicroPython puts the frame of a function on the stack; otherwise a frame of
more than eleven words is taken from the heap and given back. So these run unlocked, often enough
that 16 bytes in each run would make the collector start by itself, which is seen.
"""

import gc
import hashlib
import sys
from array import array

from drivers import contactless, keypad, pn532
from drivers.magstripe import Magstripe
from firmware.card import emv
from firmware.card.seek import SEEK_LEN, seek
from firmware.card.swipe import Swipe
from firmware.crypto import pbkdf2
from host_tests.readers import talks

_TIME = keypad.time
_RUNS = 4000
_THRESHOLD = 32768
_JUNK = 16000  # below the threshold, or it would itself start the collector


def allocates(work):
    """Return True if `work()` takes anything from the heap, be it only in passing."""
    if not hasattr(gc, "mem_alloc"):
        return False  # CPython
    work()
    gc.collect()
    gc.threshold(_THRESHOLD)
    try:
        # In small pieces: the collector takes an old word on the stack for a reference.
        for _ in range(_JUNK // 80):
            bytes(80)
        before = gc.mem_alloc()
        for _ in range(_RUNS):
            work()
        return gc.mem_alloc() < before - _JUNK // 2
    finally:
        gc.threshold(-1)


def many(a=1, b=2, c=3, d=4, e=5, f=6, g=7, h=8, i=9, j=10, k=11):
    """A function with a large frame."""
    return a


class _Pin:
    def __init__(self):
        self.level = 1

    def value(self, level=None):
        return self.level


class _Moment:
    def ticks_ms(self):
        return 0

    def ticks_diff(self, later, earlier):
        return later - earlier

    def sleep_us(self, us):
        pass


class _Uart:
    def __init__(self):
        self.left = 0

    def any(self):
        return self.left

    def readinto(self, buf, count=32):
        count = min(count, self.left)
        self.left -= count
        return count


class _Hash:
    """Stands for a hash of hashlib, which allocates each time."""

    def __init__(self):
        self._digest = bytes(32)

    def __call__(self, data):
        return self

    def update(self, data):
        pass

    def digest(self):
        return self._digest


def test_a_large_frame_is_seen():
    assert allocates(many) == hasattr(gc, "mem_alloc")
    assert not allocates(lambda: None)


def test_keypad():
    keypad.time = _Moment()
    try:
        columns = [_Pin() for _ in range(4)]
        pad = keypad.Keypad([_Pin() for _ in range(4)], columns)

        def work():
            pad.scan()
            pad._settle(1, 0)
            pad._watch_held(1, 800)
            pad._settle(0, 0)
            pad.get()
            columns[0].level ^= 1

        assert not allocates(work)
        assert pad.get() == -1
    finally:
        keypad.time = _TIME


def test_magstripe():
    uart = _Uart()
    reader = Magstripe(uart)
    buf = bytearray(100)

    def work():
        uart.left = 70
        reader.read_into(buf, 30)
        uart.left = 40
        reader.drop()

    assert not allocates(work)
    assert uart.left == 0


def test_swipe():
    swipe = Swipe(bytearray(256))

    def work():
        swipe.accept(swipe.room())
        swipe.verdict()

    assert not allocates(work)


def test_contactless():
    uart = _Uart()
    reader = contactless.Contactless(uart, Magstripe(uart))
    reader._send = reader._framed  # the view for the UART is what allocates
    answer = bytearray(8)
    apdu = b"\0\xb2\1\x0c\0"

    def work():
        uart.left = 70
        reader._put_apdu(apdu, 5)
        reader._next()
        reader._fill = len(reader._in)
        reader._at = 30
        reader._shift()
        reader._passed_over()
        reader._is_answer()
        reader._size = 5
        reader._copy(answer, 0)
        reader._in[reader._body] = 1
        reader._listed(3, 4)
        reader._forget()

    assert not allocates(work)
    assert not allocates(reader.rest)


def test_pn532():
    out = array("H", [0] * pn532.OUT_LEN)
    sent = b"\xaa\0\0\xff\0\xff\0\0\xff\xff\0\0\0\xff\x02\xfe\xd5\x03\x28\0\0\xff\xff\xff\0"

    def work():
        at = 0
        while pn532.frame(sent, at, 26, out):
            at = out[pn532.NEXT]

    work()
    assert out[pn532.NEXT] == 20
    assert not allocates(work)


def test_seek():
    out = array("i", [0] * SEEK_LEN)
    data = b"\0\x6f\x81\x0b\x84\x01A\0\xa5\x05\xbf\x0c\x02\x87\x00\0\x5a\x01B"
    assert seek(data, 0, 19, 0x5A, out) == 1
    assert not allocates(lambda: seek(data, 0, 19, 0x5A, out))


def test_emv():
    # A frame is as large whatever the card says, so each function has to run once.
    listener = talks.Listener()
    ran = set()
    for answers in talks.VARIED:

        def work(answers=answers):
            listener.hear(answers)
            listener.talk.wipe()

        if hasattr(sys, "setprofile"):  # CPython
            sys.setprofile(lambda frame, event, _: ran.add(frame.f_code.co_name))
            work()
            sys.setprofile(None)
        assert not allocates(work), answers
    if ran:
        made = {name for name in dir(emv.Talk) if callable(getattr(emv.Talk, name))}
        assert {name for name in made if not name.startswith("__")} - ran == {"room"}


def test_pbkdf2():
    pbkdf2.sha256 = _Hash()
    try:
        derivation = pbkdf2.Pbkdf2(b"password", b"salt", 1000000)

        def work():
            derivation.step(1)

        assert not allocates(work)
        assert not allocates(derivation.wipe)
    finally:
        pbkdf2.sha256 = hashlib.sha256
