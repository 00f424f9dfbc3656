"""`esp32.Partition` and `esp32.NVS`, forwarded to the flash and NVS models in the host process."""

import rebind_bus as _wire
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
_I32 = const(0x28)

HEAP_DATA = 4
HEAP_EXEC = 1


def _checked(status):
    if status >= 0:
        return status
    raise OSError(status, "ESP_ERR_NVS_NOT_FOUND" if status == -4354 else "ESP_ERR")


def idf_heap_info(capabilities):
    return [(232000, 120000, 106000, 98000)]


class Partition:
    TYPE_APP = 0
    TYPE_DATA = 1
    BOOT = 0
    RUNNING = 1

    def __init__(self, id, block_size=4096):
        sectors = _wire.ask(_FIND, 0, id.encode())
        if sectors <= 0:
            raise OSError(2)
        self._label = id
        self._sectors = sectors
        self._place = bytearray(6)

    @staticmethod
    def find(type=TYPE_APP, subtype=0xFF, label=None, block_size=4096):
        try:
            found = Partition(label or "factory")
        except OSError:
            return []
        if type != found.info()[0]:
            return []
        return [found]

    def info(self):
        return (1, 0x81, 0x200000, self._sectors * 4096, self._label, False)

    def _at(self, block, offset, n):
        p = self._place
        p[0] = block & 255
        p[1] = block >> 8
        p[2] = offset & 255
        p[3] = offset >> 8
        p[4] = n & 255
        p[5] = n >> 8
        return p

    def readblocks(self, block_num, buf, offset=0):
        n = len(buf)
        _checked(_wire.ask(_READ, 0, self._at(block_num, offset, n)))
        _wire.take(buf, n)

    def writeblocks(self, block_num, buf, offset=None):
        n = len(buf)
        if offset is None:
            for block in range(block_num, block_num + n // 4096):
                self.ioctl(6, block)
            offset = 0
        n += 6
        _wire.post(_PROGRAM, 0, n & 255, n >> 8)
        _wire.more(self._at(block_num, offset, n - 6))
        _wire.more(buf)
        _checked(_wire.status())

    def ioctl(self, cmd, arg=0):
        if cmd == 4:
            return self._sectors
        if cmd == 5:
            return 4096
        if cmd == 6:
            _checked(_wire.ask(_ERASE, 0, self._at(arg, 0, 0)))
            return 0
        if cmd in (1, 2, 3):
            return 0


class NVS:
    def __init__(self, namespace):
        self._name = namespace + "\0"

    def _key(self, key):
        return (self._name + key + "\0").encode()

    def get_blob(self, key, buf):
        n = len(buf)
        return self._get(_BLOB, key, buf, n)

    def _get(self, kind, key, buf, n):
        n = _checked(_wire.ask(_NVS_GET, kind, bytes((n & 255, n >> 8)) + self._key(key)))
        _wire.take(buf, n)
        return n

    def set_blob(self, key, value):
        self._set(_BLOB, key, value)

    def _set(self, kind, key, value):
        name = self._key(key)
        n = len(name) + len(value)
        _wire.post(_NVS_SET, kind, n & 255, n >> 8)
        _wire.more(name)
        _wire.more(value)
        _checked(_wire.status())

    def get_i32(self, key):
        buf = bytearray(4)
        self._get(_I32, key, buf, 4)
        n = int.from_bytes(buf, "little")
        return n - (1 << 32) if buf[3] & 128 else n

    def set_i32(self, key, value):
        self._set(_I32, key, (value & 0xFFFFFFFF).to_bytes(4, "little"))

    def erase_key(self, key):
        _checked(_wire.ask(_NVS_ERASE, 0, self._key(key)))

    def commit(self):
        _checked(_wire.ask(_NVS_COMMIT, 0, self._name.encode()))
