"""The chip that wear is counted on: it must not forgive what a flash would not."""

import pytest

from tools.bench.inside.chip import SECTOR, Chip


def held(chip, sector, off, n):
    buf = bytearray(n)
    chip.readblocks(sector, buf, off)
    return bytes(buf)


def test_programming_clears_bits_and_refuses_to_set_one():
    chip = Chip(2)
    chip.writeblocks(1, b"\xf0\x0f", 10)
    chip.writeblocks(1, b"\xc0\x0f", 10)
    with pytest.raises(OSError):
        chip.writeblocks(1, b"\xc0\x1f", 10)
    assert held(chip, 1, 9, 4) == b"\xff\xc0\x0f\xff"


def test_an_erase_sets_a_whole_sector_and_no_other():
    chip = Chip(3)
    for sector in range(3):
        chip.writeblocks(sector, bytes(SECTOR), 0)
    chip.ioctl(6, 1)
    assert chip.image == bytes(SECTOR) + b"\xff" * SECTOR + bytes(SECTOR)


def test_every_operation_is_counted_until_it_is_forgotten():
    chip = Chip(2)
    chip.writeblocks(0, bytes(5), 0)
    chip.writeblocks(0, bytes(7), 5)
    chip.ioctl(6, 1)
    held(chip, 0, 0, 9)
    counted = chip.programs, chip.programmed_bytes, chip.erases, chip.reads, chip.read_bytes
    assert counted == (2, 12, [0, 1], 1, 9)
    chip.forget()
    assert (chip.programs, chip.programmed_bytes, chip.erased, chip.reads) == (0, 0, 0, 0)


def test_what_is_not_on_the_chip_is_refused():
    chip = Chip(2)
    for place in ((2, 0), (1, SECTOR - 3), (-1, 0), (0, -1)):
        with pytest.raises(OSError):
            chip.readblocks(place[0], bytearray(4), place[1])
    with pytest.raises(OSError):
        chip.ioctl(6, 2)
