"""Python's heap grows once, at start, by no more than leaves the chip a TLS connection."""

import esp32
import pytest

from drivers import heap

KB = 1024
# The largest free piece with every part built, before Python's heap has grown. Of 1.27.0 it was
# measured once that had, by 28 KB; of 1.25.0 that 18 KB stay with the line open, which takes
# between 20 and 32 KB.
IMAGES = {
    "1.25.0 at least": (18 + 20 + 28) * KB,
    "1.25.0 at most": (18 + 32 + 28) * KB,
    "1.27.0": 36864 + 28 * KB,
}
CONNECTION = 36864 - 5696  # what making a line took of it, measured on 1.27.0
FLOOR = 12 * KB  # what has to stay at that moment
NEEDED = 64 * KB  # what the firmware passes `make heap` in


class Chip:
    """A chip's heap, and Python's that begins with 56 KB of it and doubles."""

    def __init__(self, free, taken):
        self.free = free
        self.python = 56 * KB
        self.taken = taken  # by what is there already
        self.held = heap.READER_BUFFER

    def init(self, rxbuf):  # of the reader's UART
        self.free += self.held - rxbuf
        self.held = rxbuf

    def info(self, capabilities):
        return [(200 * KB, self.free, self.free, 0), (9 * KB, 8 * KB, 7 * KB, 0)]

    def bytearray(self, size):
        if self.taken + size > self.python:
            growth = min(self.python, max(self.free, 7 * KB))
            if growth < size:
                raise MemoryError
            self.python += growth
            self.free -= growth
        self.taken += size
        return bytearray(size)


@pytest.fixture
def chip(monkeypatch):
    def made(free, taken=20 * KB):
        chip = Chip(free, taken)
        monkeypatch.setattr(esp32, "idf_heap_info", chip.info)
        monkeypatch.setattr(heap, "bytearray", chip.bytearray, raising=False)
        return chip

    return made


@pytest.mark.parametrize("image", IMAGES)
def test_on_every_image_12_kb_stay_at_the_worst_moment_and_python_has_what_it_needs(chip, image):
    esp = chip(IMAGES[image])
    assert heap.grow(esp)  # something stays, so that the second area does
    assert esp.held == heap.READER_BUFFER
    assert esp.free - CONNECTION >= FLOOR
    assert esp.python >= NEEDED


@pytest.mark.parametrize("free", range(40 * KB, 160 * KB, 3 * KB))
def test_what_is_grown_follows_what_the_image_leaves(chip, free):
    esp = chip(free)
    if heap.grow(esp) is None:
        assert esp.python == 56 * KB and esp.free == free
        assert free - CONNECTION - FLOOR < 14 * KB  # too little for both
    else:
        assert esp.free - CONNECTION >= FLOOR
        assert esp.python > 56 * KB


def test_a_chip_with_little_left_is_left_alone(chip):
    esp = chip(28 * KB)
    assert heap.grow(esp) is None
    assert (esp.free, esp.python) == (28 * KB, 56 * KB)


def test_a_heap_that_cannot_grow_is_no_fault(chip, monkeypatch):
    esp = chip(92 * KB)

    def full(size):
        raise MemoryError

    monkeypatch.setattr(heap, "bytearray", full)
    assert heap.grow(esp) is None
    assert esp.held == heap.READER_BUFFER


def test_without_a_reader_nothing_is_done(chip):
    chip(92 * KB)
    assert heap.grow(None) is None
