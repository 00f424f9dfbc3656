"""The ESP32's non-volatile storage: namespaces of small values, kept in a JSON file.

What is set is visible at once and durable with the commit, which replaces the file in one step; a
power cut before it leaves the values of the last commit. Limits and errors are ESP-IDF's.
"""

import json
import os
import threading

from tools.simulator.models import PowerCut

NOT_FOUND = -0x1102
TYPE_MISMATCH = -0x1103
NOT_ENOUGH_SPACE = -0x1105
KEY_TOO_LONG = -0x1109
INVALID_LENGTH = -0x110C
VALUE_TOO_LONG = -0x110E

_KEY_LIMIT = 15
_BLOB_LIMIT = 4000
_ENTRY = 32
_ENTRIES = 5 * 126  # six pages, one of them kept free for moving


def _private(path, flags):
    return os.open(path, flags, 0o600)


class Nvs:
    """Values by `namespace/key`, each an (kind, bytes) with kind "B" (blob) or "i" (int32)."""

    def __init__(self, path):
        self.path = path
        self._lock = threading.Lock()
        self._cut = None
        self.commits = 0
        self.full = False  # no further value is taken, nor a new one for an old
        self.power_up()

    def power_up(self):
        """Forget what was set and never committed."""
        with self._lock:
            self._values = {}
            if os.path.exists(self.path):
                with open(self.path, encoding="ascii") as file:
                    for name, (kind, data) in json.load(file).items():
                        self._values[name] = (kind, bytes.fromhex(data))

    def cut_power_at(self, commit, done):
        """Let the supply fail at the `commit`-th commit from now, `done` or not yet done."""
        with self._lock:
            self._cut = (self.commits + commit, done)

    def get(self, namespace, key, kind, room):
        """Return the bytes of a value, or the (negative) error number."""
        with self._lock:
            found = self._values.get(f"{namespace}/{key}")
            if found is None:
                return NOT_FOUND
            if found[0] != kind:
                return NOT_FOUND
            return INVALID_LENGTH if len(found[1]) > room else found[1]

    def set(self, namespace, key, kind, data):
        """Set a value; return 0 or the error number."""
        if not 0 < len(key) <= _KEY_LIMIT or not 0 < len(namespace) <= _KEY_LIMIT:
            return KEY_TOO_LONG
        if len(data) > _BLOB_LIMIT:
            return VALUE_TOO_LONG
        with self._lock:
            values = {**self._values, f"{namespace}/{key}": (kind, bytes(data))}
            used = sum(2 + -(-len(data) // _ENTRY) for _, data in values.values())
            if self.full or used > _ENTRIES:
                return NOT_ENOUGH_SPACE
            self._values = values
            return 0

    def erase(self, namespace, key):
        """Remove a value; return 0 or the error number."""
        with self._lock:
            return 0 if self._values.pop(f"{namespace}/{key}", None) else NOT_FOUND

    def commit(self):
        """Make everything set so far durable, wholly or not at all."""
        with self._lock:
            self.commits += 1
            cut = self._cut if self._cut and self._cut[0] == self.commits else None
            if cut is None or cut[1]:
                self._save()
            if cut is not None:
                self._cut = None
                raise PowerCut
            return 0

    def _save(self):
        text = json.dumps(
            {name: [kind, data.hex()] for name, (kind, data) in sorted(self._values.items())},
            indent=1,
        )
        beside = f"{self.path}.new"
        with open(beside, "w", encoding="ascii", opener=_private) as file:
            file.write(text)
        os.replace(beside, self.path)
