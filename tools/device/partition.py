"""Gives a board in use the partition table of `make image`, in place.

What always holds: nothing is erased before it was said what will be lost and a person agreed; the
new table is written last, when what it points to has been made ready; keys (NVS), bootloader and
app stay. MicroPython refuses to write its own table, so this goes through the chip's ROM loader:
the port must be the serial device itself. Power loss before the table is written leaves the old
table, with an empty file system; while it is written, a chip that does not start until the
command that is printed first has been run. Imports esptool.
"""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from mp_image_tool_esp32.image_header import ImageHeader
from mp_image_tool_esp32.partition_table import PartitionError, PartitionTable

from tools.build.image import (
    BOOTLOADER_AT,
    TABLE_AT,
    TABLE_SIZE,
    describe,
    extend,
    parse_table,
)
from tools.device.link import DeviceError

_SUPERBLOCKS = 2 * 4096  # what MicroPython looks at to tell a blank file system from a broken one


class Chip(Protocol):
    """The flash of a chip in its ROM loader; raises `DeviceError`."""

    name: str

    def read(self, at: int, size: int) -> bytes:
        """Return `size` bytes of flash."""

    def write(self, at: int, data: bytes) -> None:
        """Erase the sectors of `data`, write and verify it."""

    def erase(self, at: int, size: int) -> None:
        """Set whole sectors to FF."""

    def reset(self) -> None:
        """Start what is in flash."""


class Loader:
    """The chip on the serial device `port`, through esptool. Raises `DeviceError`."""

    def __init__(self, port: str) -> None:
        import esptool  # takes a while, and only this command needs it

        self._esptool = esptool
        self._port = port
        esptool.log.set_verbosity("silent")
        self._chip = self._tried(esptool.detect_chip, port)
        try:
            self._chip = self._tried(esptool.run_stub, self._chip)
            self._tried(esptool.attach_flash, self._chip)
        except DeviceError:
            self.close()
            raise
        self.name = self._chip.CHIP_NAME.lower().replace("-", "")

    def read(self, at: int, size: int) -> bytes:
        """Return `size` bytes of flash."""
        return self._tried(self._esptool.read_flash, self._chip, at, size, no_progress=True)

    def write(self, at: int, data: bytes) -> None:
        """Erase the sectors of `data`, write and verify it."""
        self._tried(self._esptool.write_flash, self._chip, [(at, data)], no_progress=True)

    def erase(self, at: int, size: int) -> None:
        """Set whole sectors to FF."""
        self._tried(self._esptool.erase_region, self._chip, at, size)

    def reset(self) -> None:
        """Start what is in flash."""
        self._tried(self._esptool.reset_chip, self._chip, "hard-reset")

    def close(self) -> None:
        """Give the port back."""
        self._chip._port.close()

    def _tried(self, function: Callable, *args, **options):
        try:
            return function(*args, **options)
        except (self._esptool.FatalError, OSError) as error:
            what = str(error).strip().partition("\n")[0]  # hints of esptool's follow
            raise DeviceError(f"the ROM loader on {self._port}: {what}") from None


def partition(chip: Chip, confirm: Callable[[], bool], spare: Path, port: str) -> bool:
    """Give the board its partition `journal`; return whether anything was changed.

    confirm: asks the person, after what is lost has been printed. spare: where the new table is
    kept for a run that is interrupted while it is written. Raises `DeviceError`, `BuildError`.
    """
    if chip.name not in BOOTLOADER_AT:
        raise DeviceError(f"the terminal does not run on this chip: {chip.name}")
    old = _table(chip)
    new = _table(chip)
    extend(new)
    if old.find("journal") == new.find("journal") and old.find("vfs") == new.find("vfs"):
        _say("the board has the partitions already: nothing to do")
        return False
    spare.parent.mkdir(parents=True, exist_ok=True)
    spare.write_bytes(new.to_bytes())
    _explain(old, new, spare, port, chip.name)
    if not confirm():
        _say("nothing was changed")
        return False
    journal, files = new.by_name("journal"), new.by_name("vfs")
    chip.erase(journal.offset, journal.size)
    chip.erase(files.offset, _SUPERBLOCKS)
    chip.write(TABLE_AT, new.to_bytes())
    if chip.read(TABLE_AT, TABLE_SIZE) != new.to_bytes():
        raise DeviceError("the table was read back differently: run the command printed above")
    chip.reset()
    _say(f"done; now bring the files: make flash PORT={port}")
    return True


def _table(chip: Chip) -> PartitionTable:
    try:
        size = ImageHeader.from_bytes(chip.read(BOOTLOADER_AT[chip.name], 4096)).flash_size
        return parse_table(chip.read(TABLE_AT, TABLE_SIZE), size)
    except (ValueError, PartitionError):
        raise DeviceError(
            "there is no MicroPython on this board, or its table is damaged: write an image "
            "(make image)"
        ) from None


def _explain(old, new, spare: Path, port: str, chip: str) -> None:
    print("The table now:", describe(old), "and then:", describe(new), sep="\n")
    print("What is lost: every file on the board, config.json and certificates too, and the")
    print("terminal's state (bindings, operators, records): a terminal that was in use has to be")
    print("provisioned anew. What stays: MicroPython, and the keys in NVS.")
    print("Should it be interrupted and the chip not start any more, this finishes it:")
    command = ["--chip", chip, "--port", port, "write-flash", f"{TABLE_AT:#x}", str(spare)]
    print(f"  .venv/bin/python -m esptool {shlex.join(command)}")


def _say(text: str) -> None:
    print(f"partition: {text}", flush=True)
