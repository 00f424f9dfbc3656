"""One image of the whole flash, for manufacturing: `python -m tools.build.image`.

Bootloader and app come from a MicroPython image as it is published; the partition table gets the
raw partition `journal` behind the app, and `vfs` behind that to the end of the flash, with the
build in it. What always holds: bootloader and app stay bit for bit, and the vfs is where stock
MicroPython would have made its own. Imports esptool and mp-image-tool-esp32.
"""

import argparse
import contextlib
import io
import logging
import re
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

from esptool.bin_image import LoadFirmwareImage
from mp_image_tool_esp32.image_header import ImageHeader
from mp_image_tool_esp32.partition_table import PartitionError, PartitionTable

from tools.build import mpy, report
from tools.build.device import ROOT
from tools.build.file_system import BLOCK, contents, file_system
from tools.build.tree import BuildError

JOURNAL_SIZE = 64 * 4096
TABLE_AT = 0x8000
TABLE_SIZE = 0x1000

_BANNER = re.compile(rb"MicroPython v(\d+)\.(\d+)\.(\d+)[^ ]* on \d")

BOOTLOADER_AT = {"esp32": 0x1000, "esp32s3": 0}
"""Where each chip's bootloader begins, and with it an image; both take xtensawin."""

# A stock table ends before the flash does: the library need not warn of it.
logging.getLogger("mp_image_tool_esp32").setLevel(logging.ERROR)


class Image(NamedTuple):
    """A flash image: to be written at `offset` of a `chip`."""

    chip: str
    offset: int
    table: PartitionTable
    data: bytes


def compose(firmware: bytes, files: dict[str, bytes]) -> Image:
    """Return the image of a MicroPython image and the files {path: content}.

    Raises `BuildError` when it is no image of a chip that is known, its MicroPython is too old, or
    the files do not fit.
    """
    chip, offset, table = read(firmware)
    if trouble := mpy.too_old(_version(firmware)):
        raise BuildError(trouble)
    extend(table)
    flash = bytearray(b"\xff" * offset + firmware)
    app = table.app_part
    if len(flash) > app.offset + app.size:
        raise BuildError("the MicroPython image is larger than its app partition")
    flash[TABLE_AT : TABLE_AT + TABLE_SIZE] = table.to_bytes()
    place = table.by_name("vfs")
    flash += b"\xff" * (place.offset - len(flash))
    flash += file_system(files, place.size)
    used = len(flash.rstrip(b"\xff"))
    return Image(chip, offset, table, bytes(flash[offset : -(-used // BLOCK) * BLOCK]))


def read(firmware: bytes) -> tuple[str, int, PartitionTable]:
    """Return (chip, offset in flash, partition table) of a MicroPython image.

    Raises `BuildError` when it is none, or when bootloader or app are damaged.
    """
    try:
        header = ImageHeader.from_bytes(firmware)
        header.validate()
        chip = header.chip_name
        offset = BOOTLOADER_AT[chip]
        table = parse_table(firmware[TABLE_AT - offset :][:TABLE_SIZE], header.flash_size)
        app = table.app_part
    except (ValueError, KeyError, PartitionError):
        raise BuildError(
            "this is no MicroPython image for an ESP32 or S3: get one from "
            "micropython.org/download/ESP32_GENERIC"
        ) from None
    for name, at in (("bootloader", 0), ("app", app.offset - offset)):
        if not _whole(chip, firmware[at:]):
            raise BuildError(f"the {name} in this image is damaged: download it again")
    return chip, offset, table


def _version(firmware: bytes) -> tuple[int, ...]:
    """Return the version that an image's banner tells. Raises `BuildError` when it tells none."""
    found = _BANNER.search(firmware)
    if not found:
        raise BuildError("this image does not say which MicroPython it is: take a published one")
    return tuple(map(int, found.groups()))


def files(data: bytes) -> dict[str, bytes]:
    """Return {path: content} of the vfs in the whole image `data`. Raises `BuildError`."""
    _, offset, table = read(data)
    place = table.find("vfs")
    if not place:
        raise BuildError("no files are in this image: `make image` makes one with the terminal's")
    return contents(data[place.offset - offset :][: place.size].ljust(place.size, b"\xff"))


def parse_table(data: bytes, flash_size: int) -> PartitionTable:
    """Return the partition table in `data`. Raises PartitionError, ValueError."""
    return PartitionTable.from_bytes(data, flash_size)


def extend(table: PartitionTable) -> None:
    """Put `journal` behind what is in the table, and `vfs` behind that to the end of the flash.

    Raises `BuildError` when there is no room.
    """
    for name in ("vfs", "ffat", "journal"):
        found = table.find(name)
        if found:
            table.remove(found)
    try:
        table.add_part("journal", "fat", JOURNAL_SIZE)
        table.add_part("vfs", "fat", 0)
        table.check()
    except PartitionError as error:
        raise BuildError(f"no room behind the app: {error}") from None


def describe(table: PartitionTable) -> str:
    """Return the table, a partition a line."""
    return "\n".join(
        f"  {part.name:10} {part.type_name:5} {part.subtype_name:8} "
        f"{part.offset:#9x} to {part.offset + part.size:#9x} {part.size >> 10:7,} KiB"
        for part in table
    )


def _whole(chip: str, data: bytes) -> bool:
    """Tell whether an image's checksum and its SHA-256 are right."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            found = LoadFirmwareImage(chip, data)
        right = found.checksum == found.calculate_checksum()
        return right and (not found.append_digest or found.stored_digest == found.calc_digest)
    except Exception:  # noqa: BLE001 (esptool raises whatever a damaged length leads it to)
        return False


def _given(path: str) -> bytes:
    """Return the firmware that a person names. Raises `BuildError`: which one is wanted."""
    wanted = "FIRMWARE= is the .bin of your board's MicroPython, from its download page"
    if not path:
        raise BuildError(f"which firmware? {wanted}")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BuildError(f"{path} cannot be read ({error.strerror}): {wanted}") from None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.build.image", description=__doc__)
    parser.add_argument("--firmware", required=True, help="ESP32_GENERIC-….bin")
    parser.add_argument("--build", type=Path, default=ROOT / "build/xtensawin")
    parser.add_argument("--config", type=Path, help="a folder with config.json and certs/*.der")
    parser.add_argument("--out", type=Path, help="default: build/rebind-CHIP.bin")
    options = parser.parse_args()
    try:
        firmware = _given(options.firmware)
        arch, files = report.load(options.build, options.config)
        if arch not in ("none", "xtensawin"):
            raise BuildError(f"the build is for {arch}: run `make build`")
        image = compose(firmware, files)
        out = options.out or ROOT / f"build/rebind-{image.chip}.bin"
        out.write_bytes(image.data)
    except (BuildError, OSError) as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    print(describe(image.table))
    print(f"image: {out}, {len(image.data):,} bytes, from {image.offset:#x}")
    print("It erases keys and state of a terminal that is in use. To write it to a board:")
    command = ["--chip", image.chip, "write-flash", f"{image.offset:#x}", str(out)]
    print(f"  .venv/bin/python -m esptool {shlex.join(command)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
