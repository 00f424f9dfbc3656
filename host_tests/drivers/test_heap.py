"""Python's heap grows once, at start, by no more than leaves the chip a TLS connection."""

import esp32
import pytest

from drivers import heap
from host_tests.device.chip import CONNECTION, FREE, LINE, PYTHON, READER, TRAFFIC, WIFI, Chip

KB = 1024
# The largest free piece with every part built, before Python's heap has grown. Of 1.25.0 it is
# known that 18 KB stayed with the line open, grown by 28 KB; it takes between 20 and 32 KB.
IMAGES = {
    "1.25.0 at least": (18 + 20 + 28) * KB,
    "1.25.0 at most": (18 + 32 + 28) * KB,
    "1.27.0": FREE,
}
FLOOR = 12 * KB  # what has to stay at the worst moment of a connection
NEEDED = 64 * KB  # what the firmware passes `make heap` in


class Uart:
    """The reader's: its buffers lie in the chip's heap, the one to send first."""

    def __init__(self, chip):
        self.chip = chip
        self.held = []
        self.init(heap.READER_BUFFER, 256)

    def init(self, rxbuf, txbuf):
        for place in self.held:
            self.chip.give(place)
        self.held = []
        held = self.chip.take_all((txbuf, rxbuf))
        if held is None:
            raise OSError(-1, "ESP_FAIL")
        self.held = held
        self.sizes = (rxbuf, txbuf)


@pytest.fixture
def chip(monkeypatch):
    """Give `chip(*regions)`: a chip with these free pieces, and the UART on it."""

    def made(*regions, used=20 * KB):
        chip = Chip([regions[0] + READER, *regions[1:]])
        taken = [used]

        def piece(size):
            if not chip.python_needs(taken[0], size):
                raise MemoryError
            taken[0] += size
            return bytearray(size)

        monkeypatch.setattr(esp32, "idf_heap_info", lambda capabilities: chip.info())
        monkeypatch.setattr(heap, "bytearray", piece, raising=False)
        return chip, Uart(chip)

    return made


def worst(chip):
    """Return what is left of all pieces while a connection is made, None when there is no room."""
    places = chip.take_all(WIFI + CONNECTION + TRAFFIC)
    if places is None:
        return None
    left = sum(region[1] for region in chip.info())
    for place in places:
        chip.give(place)
    return left


@pytest.mark.parametrize("image", IMAGES)
def test_on_every_image_12_kb_stay_at_the_worst_moment_and_python_has_what_it_needs(chip, image):
    esp, uart = chip(IMAGES[image])
    assert heap.grow(uart)  # something stays, so that the second area does
    assert uart.sizes == (heap.READER_BUFFER, 256)
    assert worst(esp) >= FLOOR
    assert esp.largest - LINE >= FLOOR
    assert esp.python >= NEEDED


@pytest.mark.parametrize("others", [(), (8 * KB,), (15 * KB, 4 * KB)])
def test_the_image_of_1_27_gives_python_about_20_kb(chip, others):
    esp, uart = chip(FREE, *others)
    heap.grow(uart)
    assert 19 * KB <= esp.python - PYTHON <= 21 * KB
    assert esp.largest - LINE >= FLOOR


@pytest.mark.parametrize("place", range(8 * KB, 60 * KB, 4 * KB))
@pytest.mark.parametrize("crumbs", [0, 7 * KB])
def test_wifi_that_lies_in_the_middle_of_it_takes_nothing_from_tls(chip, place, crumbs):
    # As it does after a soft reset: the chip's heap is in two pieces, with 2 KB between them.
    esp, uart = chip(FREE, *([crumbs] if crumbs else []))
    before = esp.take(place)
    esp.take(2 * KB)
    esp.give(before)
    heap.grow(uart)
    assert uart.sizes == (heap.READER_BUFFER, 256)
    assert esp.python_needs(57 * KB)  # what the terminal was seen to use with the line open
    assert worst(esp) is not None
    if esp.python > PYTHON:
        assert worst(esp) >= FLOOR - 2 * KB


@pytest.mark.parametrize("free", range(40 * KB, 160 * KB, 3 * KB))
def test_what_is_grown_follows_what_the_image_leaves(chip, free):
    esp, uart = chip(free)
    if heap.grow(uart) is None:
        assert esp.python == PYTHON and esp.largest >= free
        assert free - LINE - FLOOR < 10 * KB  # too little for both
    else:
        assert esp.largest - LINE >= FLOOR
        assert esp.python > PYTHON


def test_a_chip_with_little_left_is_left_alone(chip):
    esp, uart = chip(28 * KB)
    assert heap.grow(uart) is None
    assert esp.python == PYTHON


def test_a_heap_that_cannot_grow_is_no_fault(chip, monkeypatch):
    _, uart = chip(92 * KB)

    def full(size):
        raise MemoryError

    monkeypatch.setattr(heap, "bytearray", full)
    assert heap.grow(uart) is None
    assert uart.sizes == (heap.READER_BUFFER, 256)


def test_a_uart_that_refuses_is_no_fault_and_the_terminal_starts(chip):
    _, uart = chip(92 * KB)

    def refuse(rxbuf, txbuf):
        raise OSError(-1, "ESP_FAIL")

    uart.init = refuse
    assert heap.grow(uart) is None


def test_without_a_reader_nothing_is_done(chip):
    chip(92 * KB)
    assert heap.grow(None) is None
