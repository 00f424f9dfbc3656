"""What is left behind, as bytes by place (`allowed` names them): on the chip, at the acquirer, on
the page. The seals are opened too: what is sealed may be read by whoever has the keys.

May import firmware.storage under CPython, tools.
"""

import json
import logging

from firmware.storage import frame as frames
from firmware.storage import replay
from firmware.storage import state as store
from firmware.storage.journal import ENTRY, RECORD_MAX, Journal
from host_tests.secrets import allowed
from tools.device.bundle import NAMESPACE

_SECTOR = 4096


class Flash:
    """The journal's partition, to read from."""

    def __init__(self, path):
        self._image = path.read_bytes()
        self.sectors = len(self._image) // _SECTOR

    def read(self, sector, offset, buf):
        at = sector * _SECTOR + offset
        buf[:] = self._image[at : at + len(buf)]


class Ear(logging.Handler):
    """What the acquirer logs and tells of, and what the terminal says on the serial line."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.log = []
        self.serial = []

    def emit(self, record):
        self.log.append(self.format(record))

    def tell(self, name, info):
        """Take an event of the acquirer's."""
        self.log.append(f"{name} {info}")


class Tab:
    """A browser tab that keeps what it is sent."""

    def __init__(self):
        self.texts = []

    def text(self, message):
        self.texts.append(json.dumps(message, ensure_ascii=False))

    def frame(self, frame):
        """A picture of the panel holds no text."""


def nvs(path):
    """Return {name: value} of the terminal's key storage."""
    stored = json.loads(path.read_text(encoding="ascii"))
    return {
        name.removeprefix(f"{NAMESPACE}/"): bytes.fromhex(v) for name, (_, v) in stored.items()
    }


def of_terminal(home):
    """Return {place: bytes} of a terminal that is off, in `home` (provision's)."""
    keystore = nvs(home / "nvs.json")
    opened, records = _unsealed(Flash(home / "flash.bin"), keystore)
    return {
        allowed.FLASH: (home / "flash.bin").read_bytes(),
        allowed.OPENED: opened,
        allowed.RECORDS: records,
        # What the chip's file system has, and the files as they were put there
        allowed.FILES: joined([home / "vfs.bin", *sorted((home / "fs").rglob("*"))]),
        allowed.NVS: b"\n".join(keystore.values()),
    }


def of_acquirer(home, office):
    """Return {BOOKS: bytes}: the books' files with what SQLite has beside them, and what people
    are shown of them.
    """
    shown = json.dumps(office.read_books(home), ensure_ascii=False, default=str)
    beside = sorted(home.glob("books.sqlite3*"))
    return {allowed.BOOKS: joined(beside) + b"\n" + shown.encode()}


def joined(paths):
    return b"\n".join(path.read_bytes() for path in paths if path.is_file())


def _unsealed(flash, keystore):
    """Return (all values of all whole records on the flash, those of change records and audit)."""
    journal = Journal(flash, keystore["seal_key"], keystore["mac_key"], keystore["token_key"])
    frame = frames.Frame(journal, RECORD_MAX)
    opened, records = [], []
    for place in replay.sectors(frame)[0]:
        order, sector = place >> 8, place & 0xFF
        for *_, items in replay.records(frame, sector, order, replay.end(frame, sector)):
            for key, value, _ in items:
                if isinstance(value, bytes):
                    told = key == ENTRY or store.CHANGE_RECORD <= key < store.CHANGE_RECORD_COUNT
                    (records if told else opened).append(value)
    return b"\n".join(opened), b"\n".join(records)
