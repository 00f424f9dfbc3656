"""The state as a record would make it, beside the one that is true.

What always holds: nothing of the journal changes until it takes what is drafted here. In memory
only while records are written or read at start. May import journal.
"""

from struct import pack

from firmware.storage.journal import PLACE, PLACED, kept


class Draft:
    """Copies of `items` and `index` (see Journal), to be changed one item after the other."""

    def __init__(self, items, index):
        self.items = dict(items)
        self.index = bytearray(index)

    def place(self, key):
        """Return where the index tells of `key`, -1 when it does not."""
        index = self.index
        for at in range(0, len(index), PLACE):
            if index[at] == key:
                return at
        return -1

    def can_move(self, source, to):
        """Tell whether there is a value under `source` that may move to `to`."""
        if kept(source) != kept(to):
            return False
        return source in self.items or self.place(source) >= 0

    def change(self, key, value, sector, offset, start):
        """Put a value that lies at `start` of the record at `offset` of `sector`.

        value: bytes, None to delete, or the number of a key from which it moves here.
        """
        if isinstance(value, int):
            if kept(key):
                self.items[key] = self.items.pop(value)
            elif key != value:
                self.forget(key)
                self.index[self.place(value)] = key
        elif value is None:
            self.forget(key)
        elif kept(key):
            self.items[key] = value
        else:
            self.forget(key)  # what is newest comes last: a record's values stand together
            self.index.extend(pack(PLACED, key, sector, offset, start, len(value)))

    def forget(self, key):
        """Take out what is under `key`, if anything is."""
        self.items.pop(key, None)
        at = self.place(key)
        if at >= 0:
            self.index[at : at + PLACE] = b""
