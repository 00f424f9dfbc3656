"""The directory of banks: one SQLite file beside the books, searched by what a person knows.

It is public data, as large as a nation's branches, so it has a file of its own: an import holds
up no message that waits for the books. A search is by class and area, as they stand in the CNAPS
number or were given, and by the first letters of the name on a phone's digit keys, from any of its
characters on. SQLite's FTS5 finds the names that have each run of five keys of those typed; that
they follow each other is then looked at name by name. One connection, used from one thread.
May import: sqlite3.
"""

import contextlib
import functools
import itertools
import sqlite3

PAGE = 8  # banks
PAGES = 256
_MOST = PAGE * PAGES

LAST = 0  # what a page says of those after it: DF65
MORE = 1
TOO_MANY = 2

_FIRST_KEY = 2
_RUN = 5  # keys: a word of the index
_CLASS = 10**9  # a CNAPS number of 12 digits begins with 3 of its class, then 4 of its area

_SCHEMA = """
CREATE TABLE IF NOT EXISTS banks (
    number INTEGER PRIMARY KEY,         -- CNAPS
    name TEXT NOT NULL,
    area TEXT NOT NULL,                 -- 4 digits
    keys BLOB NOT NULL                  -- as `initials` makes them
);
CREATE VIRTUAL TABLE IF NOT EXISTS runs USING fts5 (
    words, content = '', detail = none, columnsize = 0, prefix = '1 2 3 4', tokenize = ascii
);
"""


class DirectoryHeld(Exception):
    """Another import is under way; nothing was read or written."""


class Directory:
    """The open directory; a file that is not there yet is made, without banks."""

    def __init__(self, path):
        self._db = sqlite3.connect(path, isolation_level=None)
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.executescript(_SCHEMA)
        except BaseException:
            self._db.close()
            raise

    def close(self):
        self._db.close()

    def __len__(self):
        return self._db.execute("SELECT count(*) FROM banks").fetchone()[0]

    def replace(self, banks):
        """Have these banks and no others: all of them, or, were it to fail half way, those before.

        banks: an iterable of (CNAPS number as 12 digits, name, area, keys of the name). Raises
        DirectoryHeld.
        """
        try:
            with self._transaction():
                self._db.execute("DELETE FROM banks")
                self._db.execute("INSERT INTO runs (runs) VALUES ('delete-all')")
                for number, name, area, keys in banks:
                    self._db.execute(
                        "INSERT INTO banks VALUES (?, ?, ?, ?)", (int(number), name, area, keys)
                    )
                    words = " ".join({_area_word(area), *_runs_of(keys)})
                    self._db.execute(
                        "INSERT INTO runs (rowid, words) VALUES (?, ?)", (int(number), words)
                    )
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise DirectoryHeld from error
            raise
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextlib.contextmanager
    def _transaction(self):
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def search(self, bank_class, area, digits, page):
        """One page of the banks that fit: ([(CNAPS number, name), …], LAST, MORE or TOO_MANY).

        bank_class: 3 digits, area: 4, digits: of 2 to 9, the keys pressed; each may be None, not
        all. page: from 0; one behind the last is empty. Where more fit than PAGES hold, every page
        is empty.
        """
        found = self._found(bank_class, area, digits)
        if digits is not None and len(digits) > _RUN:
            found = self._following(found, digits)
        numbers = [number for (number,) in itertools.islice(found, _MOST + 1)]
        if len(numbers) > _MOST:
            return [], TOO_MANY
        shown = numbers[page * PAGE : (page + 1) * PAGE]
        return (
            [(f"{number:012d}", self._name(number)) for number in shown],
            MORE if (page + 1) * PAGE < len(numbers) else LAST,
        )

    def _name(self, number):
        return self._db.execute("SELECT name FROM banks WHERE number = ?", (number,)).fetchone()[0]

    def _found(self, bank_class, area, digits):
        """(number,) of each bank that fits, or with many digits may fit; by number."""
        words = [_area_word(area)] if area is not None else []
        if digits is not None:
            words += _runs_typed(digits)
        low, high = 0, 1000 * _CLASS
        if bank_class is not None:
            low = int(bank_class) * _CLASS
            high = low + _CLASS
        if words:
            return self._db.execute(
                "SELECT rowid FROM runs WHERE runs MATCH ? AND rowid >= ? AND rowid < ?",
                (" AND ".join(words), low, high),
            )
        return self._db.execute(
            "SELECT number FROM banks WHERE number >= ? AND number < ?", (low, high)
        )

    def _following(self, found, digits):
        """Those of `found` in whose name all of `digits` follow each other."""
        accepts = _accepts(digits)
        for row in found:
            (keys,) = self._db.execute("SELECT keys FROM banks WHERE number = ?", row).fetchone()
            if _follow(keys, accepts):
                yield row


def _area_word(area):
    return f"a{area}"


def _runs_of(keys):
    """Every run of keys that somebody may type for this name, shorter ones at its end."""
    return itertools.chain.from_iterable(_ways(keys[at : at + _RUN]) for at in range(len(keys)))


@functools.cache
def _ways(keys):
    return tuple("".join(way) for way in itertools.product(*map(_digits, keys)))


@functools.cache
def _digits(key):
    return [str(bit + _FIRST_KEY) for bit in range(8) if key >> bit & 1]


def _runs_typed(digits):
    """What the index is asked for: each run of what was typed, or all that begin with it."""
    if len(digits) < _RUN:
        return [f'"{digits}" *']
    return [f'"{digits[at : at + _RUN]}"' for at in range(len(digits) - _RUN + 1)]


def _accepts(digits):
    """For each byte that stands for a character: bits of the places in `digits` that it fits."""
    places = [(1 << at, int(digit) - _FIRST_KEY) for at, digit in enumerate(digits)]
    return [sum(place for place, bit in places if key >> bit & 1) for key in range(256)]


def _follow(keys, accepts):
    """Whether somewhere in `keys` there are, one behind the other, all that `accepts` stands for
    (the shift-and algorithm of Baeza-Yates and Gonnet).
    """
    last = (accepts[-1] + 1) >> 1  # the byte 255 fits everywhere
    alive = 0
    for key in keys:
        alive = (alive << 1 | 1) & accepts[key]
        if alive & last:
            return True
    return False
