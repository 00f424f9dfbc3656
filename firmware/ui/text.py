"""The words of one language, looked up by key in a file.

The file, little-endian, made by tools.build.texts:

    "RT" version(1) language(2) count(2) | entries, ascending (5 each): hash(3) offset(2) | texts

A text is its whole key, a line feed, its words. The entry after the last holds the end of the
texts; the texts lie in the order of their entries. What always holds: nothing of the file is kept
in RAM; the words are those of the very key that was asked for, whatever its hash (that two keys
never share one, the build sees to); a key without words is shown itself. Imports nothing of the
house.
"""

from micropython import const

_VERSION = const(2)
_HEADER_LEN = const(7)
_ENTRY_LEN = const(5)
_PAIR_LEN = const(10)


def hashed(key):
    """Return the 24-bit hash of a key (FNV-like; every step fits a small int)."""
    value = 5381
    for byte in key.encode():
        value = (value * 33 ^ byte) & 0xFFFFFF
    return value


class Text:
    """The words in the file at `path`; call it with a key.

    `language` is "zh" or "en". Raises OSError when the file cannot be opened or isn't one.
    """

    def __init__(self, path):
        self._pair = bytearray(_PAIR_LEN)  # an entry and the next
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

    def __call__(self, key, datum=None):
        """Return the words for `key`, with `datum` in the place that they leave for it.

        When there are none, or the file can't be read, `?` and the key: no page is lost by it.
        """
        try:
            words = self._words(key)
        except (OSError, UnicodeError):
            words = None
        if words is None:
            return "?" + key
        return words if datum is None else words % datum

    def _words(self, key):
        wanted = hashed(key)
        file = self._file
        pair = self._pair
        low = 0
        high = self._count
        while low < high:
            middle = (low + high) // 2
            file.seek(_HEADER_LEN + middle * _ENTRY_LEN)
            file.readinto(pair)
            here = pair[0] | pair[1] << 8 | pair[2] << 16
            if here == wanted:
                start = pair[3] | pair[4] << 8
                file.seek(_HEADER_LEN + (self._count + 1) * _ENTRY_LEN + start)
                found = file.read((pair[8] | pair[9] << 8) - start)
                head = key.encode() + b"\n"
                return found[len(head) :].decode() if found.startswith(head) else None
            if here < wanted:
                low = middle + 1
            else:
                high = middle
        return None
