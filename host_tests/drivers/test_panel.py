"""The panel is always shown what was drawn, and no more than that goes over the bus."""

import machine
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.oled import Oled

WHOLE = 8 * (8 + 4 * 34)  # for each page a window and four pieces, addresses included


class Panel:
    """What the controller's memory holds after the bytes that went over the bus."""

    def __init__(self, bus):
        self._bus = bus
        self.pixels = bytearray(1024)
        self._window = [0, 127, 0, 7]
        self._at = [0, 0]
        self._command = bytearray()

    def look(self):
        for message in self._bus.sent:
            if message[0] == 0x40:
                for byte in message[1:]:
                    self._data(byte)
            else:
                self._commands(message[1:])
        self._bus.sent.clear()
        return bytes(self.pixels)

    def _commands(self, data):
        for byte in data:
            if not self._command and byte not in (0x21, 0x22):
                continue
            self._command.append(byte)
            if len(self._command) == 3:
                place = 0 if self._command[0] == 0x21 else 2
                self._window[place : place + 2] = self._command[1:]
                self._at[place // 2] = self._command[1]
                self._command.clear()

    def _data(self, byte):
        column, page = self._at
        self.pixels[page * 128 + column] = byte
        first, last, top, bottom = self._window
        if column < last:
            self._at = [column + 1, page]
        else:
            self._at = [first, page + 1 if page < bottom else top]


@pytest.fixture
def bus():
    """An I2C bus with a panel on it."""
    return machine.I2C(0, sda=None, scl=None)


def test_nothing_changed_sends_nothing(bus):
    oled = Oled(bus)
    bus.sent.clear()
    assert oled.flush() == 0
    assert not bus.sent


def test_one_pixel_costs_one_narrow_window(bus):
    oled = Oled(bus)
    panel = Panel(bus)
    oled.pixel(70, 20, 1)
    assert oled.flush() == 8 + 10
    assert panel.look() == bytes(oled.buffer)
    assert oled.flush() == 0


def test_the_whole_picture_costs_little_more_than_its_bytes(bus):
    oled = Oled(bus)
    panel = Panel(bus)
    oled.fill(1)
    assert oled.flush() == WHOLE
    assert panel.look() == b"\xff" * 1024


@given(
    pictures=st.lists(
        st.lists(st.tuples(st.integers(0, 1023), st.integers(0, 255)), max_size=40), max_size=8
    )
)
def test_the_panel_shows_what_was_drawn(pictures):
    bus = machine.I2C(0, sda=None, scl=None)
    oled = Oled(bus)
    panel = Panel(bus)
    for changes in pictures:
        for at, value in changes:
            oled.buffer[at] = value
        oled.flush()
        assert panel.look() == bytes(oled.buffer)


def test_a_missing_panel_stops_nobody(bus):
    machine.I2C.answering = set()
    oled = Oled(bus)
    assert not oled.fitted
    assert oled.errors == 1
    oled.fill(1)
    assert oled.flush() == 0
    assert not bus.sent


def test_a_panel_that_comes_back_gets_the_whole_picture(bus, moment):
    oled = Oled(bus)
    panel = Panel(bus)
    oled.pixel(3, 3, 1)
    oled.flush()
    machine.I2C.answering = set()
    oled.pixel(90, 50, 1)
    assert oled.flush() == 0
    assert oled.errors == 1
    machine.I2C.answering = {0x3C}
    assert oled.flush() == 0  # not asked again at once
    moment.wait(2000)
    panel.pixels[:] = b"\xa5" * 1024  # it was without power
    assert oled.flush() == WHOLE
    assert panel.look() == bytes(oled.buffer)
    assert oled.fitted
