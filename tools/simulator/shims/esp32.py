"""`esp32.Partition` and `esp32.NVS`, forwarded to the flash and NVS models.

A partition is read where its image lies, as a chip reads its flash; to program and to erase it is
the model's.
"""

from json import loads
from os import getenv

import rebind_bus as bus
from micropython import const

_PROGRAM = const(0x32)
_ERASE = const(0x33)
_NVS_GET = const(0x38)
_NVS_SET = const(0x39)
_NVS_ERASE = const(0x3A)
_NVS_COMMIT = const(0x3B)
_BLOB = const(0x42)
_INT32 = const(0x69)

_BLOCK = const(4096)
_EINVAL = const(22)

HEAP_DATA = 4
HEAP_EXEC = 1


def _checked(status):
    if status < 0:
        raise OSError(status, "ESP_ERR")
    return status


def _opened(images):
    """Return (labels, images, their blocks) of the JSON `[[label, path], …]`."""
    labels, files, blocks = [], [], []
    for label, path in loads(images):
        labels.append(label)
        files.append(open(path, "rb"))
        blocks.append(files[-1].seek(0, 2) // _BLOCK)
    return labels, files, blocks


_labels, _images, _blocks = _opened(getenv("REBIND_FLASH"))
_place = bytearray(4)


class Partition:
    TYPE_APP = 0
    TYPE_DATA = 1

    def __init__(self, id):
        if id not in _labels:
            raise OSError(2)
        self._at = _labels.index(id)

    @staticmethod
    def find(type=TYPE_APP, subtype=0xFF, label="", block_size=_BLOCK):
        if type and label in _labels:
            return [Partition(label)]
        return []

    def info(self):
        size = _blocks[self._at] * _BLOCK
        return (1, 0x81, 0x200000, size, _labels[self._at], False)

    def readblocks(self, block, buf, offset=0):
        image = _images[self._at]
        start = block * _BLOCK + offset
        if start + len(buf) > _blocks[self._at] * _BLOCK:
            raise OSError(-_EINVAL, "ESP_ERR")
        image.seek(start)
        image.readinto(buf)

    def writeblocks(self, block, buf, offset=None):
        n = len(buf)
        if offset is None:
            for each in range(block, block + n // _BLOCK):
                self.ioctl(6, each)
            offset = 0
        self._send(_PROGRAM, block, offset, n)
        bus.more(buf)
        _checked(bus.status())

    def ioctl(self, cmd, arg=0):
        if cmd == 4:
            return _blocks[self._at]
        if cmd == 5:
            return _BLOCK
        if cmd == 6:
            self._send(_ERASE, arg, 0, 0)
            _checked(bus.status())
        return 0

    def _send(self, op, block, offset, n):
        place = _place
        place[0] = block & 255
        place[1] = block >> 8
        place[2] = offset & 255
        place[3] = offset >> 8
        n += 4
        bus.post(op, self._at, n & 255, n >> 8)
        bus.more(place)


class NVS:
    def __init__(self, namespace):
        self._name = namespace + "\0"

    def _key(self, key):
        return (self._name + key + "\0").encode()

    def get_blob(self, key, buf, kind=_BLOB):
        room = len(buf).to_bytes(2, "little")
        n = _checked(bus.ask(_NVS_GET, kind, room + self._key(key)))
        bus.take(buf, n)
        return n

    def set_blob(self, key, value, kind=_BLOB):
        _checked(bus.ask(_NVS_SET, kind, self._key(key) + value))

    def get_i32(self, key):
        buf = bytearray(4)
        self.get_blob(key, buf, _INT32)
        n = int.from_bytes(buf, "little")
        return n - (1 << 32) if buf[3] & 128 else n

    def set_i32(self, key, value):
        self.set_blob(key, (value & 0xFFFFFFFF).to_bytes(4, "little"), _INT32)

    def erase_key(self, key):
        _checked(bus.ask(_NVS_ERASE, 0, self._key(key)))

    def commit(self):
        _checked(bus.ask(_NVS_COMMIT, 0, self._name.encode()))


def idf_heap_info(capabilities):
    return [(232000, 120000, 106000, 98000)]
