"""The chip's `esp32` for CPython: NOR flash whose writes only clear bits, and NVS.

What is written to NVS counts only after its commit; `NVS.power_cut` forgets the rest.
"""

_NOT_FOUND = -0x1102
_TOO_LONG = -0x110C
_SECTOR = 4096


HEAP_DATA = 4


def idf_heap_info(capabilities):
    return [(120000, 60000, 52000, 50000), (15000, 9000, 8000, 7000)]


class Partition:
    TYPE_APP = 0
    TYPE_DATA = 1

    chips = None  # cells by label

    def __init__(self, label):
        self._cells = Partition.chips[label]

    @classmethod
    def fit(cls, label, sectors):
        """Put a fresh chip of this many sectors on the board."""
        cls.chips[label] = bytearray(b"\xff" * (sectors * _SECTOR))

    @staticmethod
    def find(type=TYPE_APP, subtype=0xFF, label=None, block_size=_SECTOR):
        if type == Partition.TYPE_DATA and label in Partition.chips:
            return [Partition(label)]
        return []

    def readblocks(self, block, buf, offset=0):
        at = self._at(block, offset, len(buf))
        buf[:] = self._cells[at : at + len(buf)]

    def writeblocks(self, block, buf, offset=None):
        if offset is None:
            raise AssertionError("this write would erase")
        at = self._at(block, offset, len(buf))
        for index, value in enumerate(buf):
            self._cells[at + index] &= value

    def ioctl(self, command, argument):
        if command == 4:
            return len(self._cells) // _SECTOR
        if command == 5:
            return _SECTOR
        if command == 6:
            at = self._at(argument, 0, _SECTOR)
            self._cells[at : at + _SECTOR] = b"\xff" * _SECTOR
            return 0
        return None

    def _at(self, block, offset, n):
        at = block * _SECTOR + offset
        if at < 0 or at + n > len(self._cells):
            raise OSError(-0x104, "ESP_ERR")
        return at


class NVS:
    stored = None  # entries by namespace
    broken = False

    def __init__(self, namespace):
        if NVS.broken:
            raise OSError(-0x1101, "ESP_ERR")
        self._entries = NVS.stored.setdefault(namespace, {})
        self._waiting = {}

    def get_blob(self, name, buf):
        value = self._waiting.get(name, self._entries.get(name))
        if value is None:
            raise OSError(_NOT_FOUND, "ESP_ERR")
        if len(value) > len(buf):
            raise OSError(_TOO_LONG, "ESP_ERR")
        buf[: len(value)] = value
        return len(value)

    def set_blob(self, name, data):
        if len(name) > 15:
            raise OSError(-0x1109, "ESP_ERR")
        self._waiting[name] = bytes(data)

    def erase_key(self, name):
        if self._waiting.get(name, self._entries.get(name)) is None:
            raise OSError(_NOT_FOUND, "ESP_ERR")
        self._waiting[name] = None

    def commit(self):
        self._entries.update(self._waiting)
        self._waiting.clear()

    def power_cut(self):
        """Forget what was not committed."""
        self._waiting.clear()


def power_on():
    """Start with no flash fitted and nothing stored."""
    Partition.chips = {}
    NVS.stored = {}
    NVS.broken = False


power_on()
