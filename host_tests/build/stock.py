"""A MicroPython image as it is published, true in its format, with nothing in it that could run.

Bootloader, partition table with its MD5, app: the images are made by esptool, the table from the
description in ESP-IDF's guide.
"""

import hashlib
import struct

from esptool.bin_image import ELFSection, ESP32FirmwareImage, ESP32S3FirmwareImage

APP_AT = 0x10000
TABLE_AT = 0x8000
STOCK = (
    ("nvs", 1, 2, 0x9000, 0x6000),
    ("phy_init", 1, 1, 0xF000, 0x1000),
    ("factory", 0, 0, APP_AT, 0x1F0000),
)
BANNER = b"MicroPython v1.27.0 on 2025-12-09\0"
_SIZE_ID = {2: 0x10, 4: 0x20, 8: 0x30}
_KINDS = {
    # image, where it is written, RAM, the flash's mapping
    "esp32": (ESP32FirmwareImage, 0x1000, 0x3FFF0030, 0x3F400020),
    "esp32s3": (ESP32S3FirmwareImage, 0, 0x3FCE2810, 0x3C000020),
}


def executable(chip, segments, size_mib):
    """Return an image of {address: content} with checksum and SHA-256."""
    image = _KINDS[chip][0]()
    image.chip_id = image.ROM_LOADER.IMAGE_CHIP_ID
    image.flash_mode = 2
    image.flash_size_freq = _SIZE_ID[size_mib] | 0x0
    image.entrypoint = 0x40080400
    image.segments = [ELFSection(b"part", at, data, 0) for at, data in segments.items()]
    return image.save(None)


def table(entries):
    """Return a partition table of (label, type, subtype, offset, size) with its MD5."""
    rows = b"".join(
        struct.pack("<2sBBLL16sL", b"\xaa\x50", kind, subtype, at, size, label.encode(), 0)
        for label, kind, subtype, at, size in entries
    )
    digest = hashlib.md5(rows).digest()
    return (rows + b"\xeb\xeb" + b"\xff" * 14 + digest).ljust(0xC00, b"\xff")


def entries(data):
    """Return (label, type, subtype, offset, size) of a partition table; its MD5 must be right."""
    found = []
    while data[32 * len(found) :][:2] == b"\xaa\x50":
        row = data[32 * len(found) :][:32]
        _, kind, subtype, at, size, label, _ = struct.unpack("<2sBBLL16sL", row)
        found.append((label.rstrip(b"\0").decode(), kind, subtype, at, size))
    rows = 32 * len(found)
    assert data[rows : rows + 16] == b"\xeb\xeb" + b"\xff" * 14
    assert data[rows + 16 : rows + 32] == hashlib.md5(data[:rows]).digest()
    return found


def firmware(chip="esp32", size_mib=4, parts=STOCK, banner=BANNER):
    """Return the whole image, as it is written from the bootloader on."""
    _, at, ram, rom = _KINDS[chip]
    image = bytearray(executable(chip, {ram: b"boot" * 700}, size_mib))
    image += b"\xff" * (TABLE_AT - at - len(image)) + table(parts)
    image += b"\xff" * (APP_AT - at - len(image))
    text = b"MicroPython" * 9000 + banner
    return bytes(image + executable(chip, {rom: text, ram: b"x" * 64}, size_mib))
