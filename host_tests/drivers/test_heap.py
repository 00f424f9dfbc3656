"""Python's heap grows once, at start, by no more than leaves the chip a TLS connection."""

import esp32
import pytest

from drivers import heap

CONNECTION = 32 * 1024
KB = 1024


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


@pytest.mark.parametrize("free", [70 * KB, 92 * KB, 140 * KB])
def test_a_connection_still_finds_its_memory(chip, free):
    esp = chip(free)
    assert heap.grow(esp)  # something stays, so that the second area does
    assert esp.held == heap.READER_BUFFER
    assert esp.python >= 84 * KB
    assert esp.free >= min(CONNECTION, free - 30 * KB)
    # Left to itself it would have doubled.
    alone = chip(free)
    while alone.python == 56 * KB:
        alone.bytearray(KB)
    assert esp.python < alone.python or free > 93 * KB


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
