"""A swipe reaches the caller's buffer with the heap locked."""

import micropython

from drivers.magstripe import Magstripe

_SWIPE = b"%B6222021234567890128^WANG/XIAOMING^3012201?\r\n;6222021234567890128=30122010000?\r\n"


class _Uart:
    """Gives the swipe in pieces, allocating nothing itself."""

    def __init__(self, piece):
        self._at = 0
        self._piece = piece

    def any(self):
        return min(len(_SWIPE) - self._at, self._piece)

    def readinto(self, buf, count=1000):
        count = min(count, len(buf), self.any())
        for index in range(count):
            buf[index] = _SWIPE[self._at]
            self._at += 1
        return count or None


def _read(piece):
    reader = Magstripe(_Uart(piece))
    buf = bytearray(120)
    off = 5
    micropython.heap_lock()
    try:
        count = 1
        while count:
            count = reader.read_into(buf, off)
            off += count
    finally:
        micropython.heap_unlock()
    assert bytes(buf[5:off]) == _SWIPE


def test_a_swipe_in_one_burst():
    _read(1000)


def test_a_swipe_byte_by_byte():
    _read(1)


def test_dropping_a_swipe_allocates_nothing():
    uart = _Uart(1000)
    reader = Magstripe(uart)
    micropython.heap_lock()
    try:
        reader.drop()
    finally:
        micropython.heap_unlock()
    assert uart.any() == 0


class _Liar(_Uart):
    """Announces bytes and gives none: they were lost on the way."""

    def readinto(self, buf, count=1000):
        return None


def test_bytes_that_do_not_come_allocate_nothing():
    reader = Magstripe(_Liar(10))
    buf = bytearray(20)
    micropython.heap_lock()
    try:
        count = reader.read_into(buf, 0)
        reader.drop()
    finally:
        micropython.heap_unlock()
    assert count == 0
