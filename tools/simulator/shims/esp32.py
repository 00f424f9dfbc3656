"""`esp32.Partition` and `esp32.NVS`, forwarded to the flash and NVS models."""

from struct import pack as _pack

import machine
import rebind_bus as _bus
from micropython import const

_FIND = const(0x30)
_READ = const(0x31)
_PROGRAM = const(0x32)
_ERASE = const(0x33)
_NVS_GET = const(0x38)
_NVS_SET = const(0x39)
_NVS_ERASE = const(0x3A)
_NVS_COMMIT = const(0x3B)
_BLOB = const(0x42)


def _checked(status):
    if status < 0:
        raise OSError(status, "ESP_ERR")
    return status


class Partition:
    TYPE_APP = 0
    TYPE_DATA = 1

    def __init__(self, id):
        self.label = id
        self._sectors = _bus.ask(_FIND, 0, id.encode())
        if self._sectors < 0:
            raise OSError(2)

    @staticmethod
    def find(_type=0, _subtype=0xFF, label="", _size=4096):
        try:
            return [Partition(label)] if _type else []
        except OSError:
            return []

    def readblocks(self, _block, buf, _offset=0):
        n = len(buf)
        _checked(_bus.ask(_READ, 0, _pack("<HHH", _block, _offset, n)))
        _bus.take(buf, n)

    def writeblocks(self, _block, buf, _offset=None):
        n = len(buf)
        if _offset is None:
            for block in range(_block, _block + n // 4096):
                self.ioctl(6, block)
            _offset = 0
        n += 6
        _bus.post(_PROGRAM, 0, n & 255, n >> 8)
        _bus.more(_pack("<HHH", _block, _offset, n - 6))
        _bus.more(buf)
        _checked(_bus.status())

    def ioctl(self, cmd, arg=0):
        if cmd == 4:
            return self._sectors
        if cmd == 5:
            return 4096
        if cmd == 6:
            _checked(_bus.ask(_ERASE, 0, _pack("<HHH", arg, 0, 0)))
        return 0

    def __getattr__(self, name):
        return machine.more(self, name)


class NVS:
    def __init__(self, _namespace):
        self._name = _namespace + "\0"

    def _key(self, key):
        return (self._name + key + "\0").encode()

    def get_blob(self, key, buf, _kind=_BLOB):
        room = len(buf).to_bytes(2, "little")
        n = _checked(_bus.ask(_NVS_GET, _kind, room + self._key(key)))
        _bus.take(buf, n)
        return n

    def set_blob(self, key, value, _kind=_BLOB):
        _checked(_bus.ask(_NVS_SET, _kind, self._key(key) + value))

    def erase_key(self, key):
        _checked(_bus.ask(_NVS_ERASE, 0, self._key(key)))

    def commit(self):
        _checked(_bus.ask(_NVS_COMMIT, 0, self._name.encode()))

    def __getattr__(self, name):
        return machine.more(self, name)


def __getattr__(name):
    return machine.__getattr__(name)
