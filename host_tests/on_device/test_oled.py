"""Showing a picture allocates nothing: the flush runs with the heap locked."""

import micropython

from drivers import oled as driver
from drivers.oled import Oled


class _Moment:
    def ticks_ms(self):
        return 0

    def ticks_diff(self, later, earlier):
        return later - earlier


class _Bus:
    def __init__(self):
        self.bytes = 0

    def writeto(self, address, buf):
        self.bytes += len(buf) + 1

    def writevto(self, address, bufs):
        for buf in bufs:
            self.bytes += len(buf)
        self.bytes += 1


class _Dead:
    def writeto(self, address, buf):
        raise OSError(19)

    writevto = writeto


def test_flushing_allocates_nothing():
    bus = _Bus()
    oled = Oled(bus)
    bus.bytes = 0
    sent = 0
    micropython.heap_lock()
    try:
        for row in range(0, 64, 3):
            for column in range(0, 128, 7):
                oled.buffer[(row >> 3) * 128 + column] ^= 1 << (row & 7)
            sent += oled.flush()
        sent += oled.flush()
        for at in range(1024):
            oled.buffer[at] = 255
        sent += oled.flush()
    finally:
        micropython.heap_unlock()
    assert sent == bus.bytes


def test_a_silent_panel_is_survived():
    real = driver.time
    driver.time = _Moment()
    try:
        oled = Oled(_Dead())
        assert oled.flush() == 0
        assert oled.errors == 1
        assert not oled.fitted
    finally:
        driver.time = real
