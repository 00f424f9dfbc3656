"""The words of one language, looked up by key in a file.

The file, little-endian, made by tools.build.texts:

    "RT" version(1) language(2) count(2) | entries, ascending (5 each): hash(3) offset(2) | texts

The entry after the last holds the end of the texts; the texts lie in the order of their entries.
What always holds: nothing of the file is kept in RAM, and two keys never share a hash (the build
sees to it). Imports nothing of the house.
"""

from micropython import const

_VERSION = const(1)
_HEADER_LEN = const(7)
_ENTRY_LEN = const(5)
_PAIR_LEN = const(8)


def hashed(key):
    """Return the 24-bit hash of a key (FNV-like; every step fits a small int)."""
    value = 5381
    for byte in key.encode():
        value = (value * 33 ^ byte) & 0xFFFFFF
    return value


class Text:
    """The words in the file at `path`; call it with a key.

    `language` is "zh" or "en". Raises OSError when the file cannot be read or isn't one.
    """

    def __init__(self, path):
        self._entry = bytearray(_PAIR_LEN)
        self._file = None
        self.load(path)

    def load(self, path):
        """Change to the language in the file at `path`; everyone who holds this object follows."""
        file = open(path, "rb")
        head = file.read(_HEADER_LEN)
        if len(head) < _HEADER_LEN or head[:2] != b"RT" or head[2] != _VERSION:
            file.close()
            raise OSError("text")
        if self._file is not None:
            self._file.close()
        self._file = file
        self.language = head[3:5].decode()
        self._count = head[5] | head[6] << 8

    def __call__(self, key):
        """Return the words for `key`; raises KeyError when there are none."""
        wanted = hashed(key)
        entry = self._entry
        low = 0
        high = self._count
        while low < high:
            middle = (low + high) // 2
            self._file.seek(_HEADER_LEN + middle * _ENTRY_LEN)
            self._file.readinto(entry)
            here = entry[0] | entry[1] << 8 | entry[2] << 16
            if here == wanted:
                return self._words(middle)
            if here < wanted:
                low = middle + 1
            else:
                high = middle
        raise KeyError(key)

    def _words(self, at):
        file = self._file
        entry = self._entry
        start = entry[3] | entry[4] << 8
        file.seek(_HEADER_LEN + (at + 1) * _ENTRY_LEN)
        file.readinto(entry)
        end = entry[3] | entry[4] << 8
        file.seek(_HEADER_LEN + (self._count + 1) * _ENTRY_LEN + start)
        return file.read(end - start).decode()
