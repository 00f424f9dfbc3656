"""Whether a board is one that the terminal runs on.

What always holds: nothing on the board is changed. Imports nothing but what the build asks of an
interpreter.
"""

from typing import NamedTuple

from tools.build.mpy import ARCHES, too_old
from tools.device.link import DeviceError, Link

FLASH_MIN = 4 << 20

_ASK = """
import sys, os
d = {'platform': sys.platform, 'version': list(sys.implementation.version[:3])}
d['mpy'] = getattr(sys.implementation, '_mpy', 0)
d['machine'] = getattr(sys.implementation, '_machine', '')
if sys.platform == 'esp32':
 import esp, esp32
 d['flash'] = esp.flash_size()
 d['journal'] = bool(esp32.Partition.find(esp32.Partition.TYPE_DATA, label='journal'))
s = os.statvfs('/')
d['block'], d['free'] = s[0], s[3]
reply(d)
"""


class Facts(NamedTuple):
    """What a board says of itself; sizes in bytes, `free` in blocks of the file system."""

    machine: str
    version: tuple[int, ...]
    arch: str
    flash: int
    journal: bool
    block: int
    free: int

    def __str__(self) -> str:
        version = ".".join(map(str, self.version))
        return f"{self.machine}, MicroPython {version}, {self.flash >> 20} MiB of flash"


def examine(link: Link) -> Facts:
    """Return what the board is. Raises `DeviceError` when the terminal cannot run on it."""
    try:
        found = link.ask(_ASK)
        version = tuple(found["version"])
        mpy = found["mpy"]
    except KeyError:
        raise DeviceError("what answers is no MicroPython that can be used") from None
    name = found["machine"] or found["platform"]
    if found["platform"] != "esp32":
        raise DeviceError(f"this board is no ESP32: {name}")
    if trouble := too_old(version):
        raise DeviceError(trouble)
    if found["flash"] < FLASH_MIN:
        raise DeviceError(f"{found['flash'] >> 20} MiB of flash is too little: 4 MiB are needed")
    if mpy & 0xFF != 6 or mpy >> 10 >= len(ARCHES):
        raise DeviceError(f"{name} does not load .mpy files of version 6")
    return Facts(
        name,
        version,
        ARCHES[mpy >> 10],
        found["flash"],
        found["journal"],
        found["block"],
        found["free"],
    )


def check_files(link: Link) -> None:
    """Raise `DeviceError` when the board's start has found files that are not as they were built:
    to run one might bring the chip down, or hang it.
    """
    if link.ask("reply(globals().get('damaged', []))") != []:
        raise DeviceError("files of the terminal are damaged or missing: run `make flash` first")
