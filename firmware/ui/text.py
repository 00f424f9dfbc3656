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
_PAIR_LEN = const(8)


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
        entry = self._entry
        low = 0
        high = self._count
        while low < high:
            middle = (low + high) // 2
            self._file.seek(_HEADER_LEN + middle * _ENTRY_LEN)
            self._file.readinto(entry)
            here = entry[0] | entry[1] << 8 | entry[2] << 16
            if here == wanted:
                return self._kept(middle, key.encode() + b"\n")
            if here < wanted:
                low = middle + 1
            else:
                high = middle
        return None

    def _kept(self, at, head):
        # The words of entry `at`, or None when those are of another key than that in `head`.
        file = self._file
        entry = self._entry
        start = entry[3] | entry[4] << 8
        file.seek(_HEADER_LEN + (at + 1) * _ENTRY_LEN)
        file.readinto(entry)
        end = entry[3] | entry[4] << 8
        file.seek(_HEADER_LEN + (self._count + 1) * _ENTRY_LEN + start)
        found = file.read(end - start)
        return found[len(head) :].decode() if found.startswith(head) else None
