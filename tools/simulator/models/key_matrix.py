"""A 4x4 key matrix without diodes: contacts bounce, and three keys of a rectangle make a ghost.

A key joins its row's wire to its column's wire. A row that is driven low pulls down every column
that it reaches through closed keys, by whatever way: that is what makes ghosts. A row that is
driven high stops the way. `fitted = False` models a board without a keypad.
"""

import threading
import time

LAYOUT = ("123A", "456B", "789C", "*0#D")
KEYS = "".join(LAYOUT)

_BOUNCE_S = 0.004
_BOUNCE_SLOT_S = 0.0006
_SETTLE_SCANS = 5
_LONG_AGO = float("-inf")
_SAME_SCAN_S = 0.005  # looks at rest that are closer together belong to one scan


class KeyMatrix:
    """The keypad as the fingers and as the wires see it.

    rows, columns: GPIO numbers of the four rows and columns.
    """

    def __init__(self, rows, columns, clock=time.monotonic):
        self.rows = tuple(rows)
        self.columns = tuple(columns)
        self.fitted = True
        self.pressed = set()
        self._clock = clock
        self._lock = threading.Lock()
        self._changed_at = dict.fromkeys(KEYS, _LONG_AGO)
        self._scans = dict.fromkeys(KEYS, _SETTLE_SCANS)
        self._scanned_at = dict.fromkeys(KEYS, 0.0)
        self._scanned_in = dict.fromkeys(KEYS, 0)

    # -- the fingers ------------------------------------------------------------------------------

    def down(self, key):
        """Close a key's contact (it bounces)."""
        self._move(key, True)

    def up(self, key):
        """Open a key's contact (it bounces)."""
        self._move(key, False)

    def _move(self, key, closed):
        if key not in KEYS:
            raise ValueError(f"no key {key!r}")
        with self._lock:
            if (key in self.pressed) == closed:
                return
            (self.pressed.add if closed else self.pressed.discard)(key)
            self._changed_at[key] = self._clock()
            self._scans[key] = 0

    def settled(self, key):
        """Whether the terminal has looked at the key often enough since it last moved.

        It is what a person does who holds a key until the terminal has taken it, and makes typing
        independent of how busy the host is.
        """
        with self._lock:
            return self._scans[key] >= _SETTLE_SCANS

    # -- the wires --------------------------------------------------------------------------------

    @property
    def active(self):
        """Whether a contact is closed, or moved so lately that its scans are still counted."""
        if self.pressed:
            return True
        now = self._clock()
        return any(
            now - at < _BOUNCE_S or self._scans[key] < _SETTLE_SCANS
            for key, at in self._changed_at.items()
        )

    def _count(self, key, now, changes, alone):
        """Count a look at the key's row; several looks of one scan count once.

        A row that was driven low alone belongs to a new scan. With more rows low the terminal is
        at rest, which tells it only that no key is down; then only time separates two scans.
        """
        if alone:
            new = changes != self._scanned_in[key]
        else:
            new = key not in self.pressed and now - self._scanned_at[key] >= _SAME_SCAN_S
        if new:
            self._scanned_in[key] = changes
            self._scanned_at[key] = now
            self._scans[key] += 1

    def pull_low(self, gpio):
        """Return the column pins that closed keys pull down now."""
        if not self.fitted:
            return self.columns
        if not self.active:
            return ()
        now = self._clock()
        low_rows = {row for row, pin in enumerate(self.rows) if gpio.pulls_low(pin)}
        with self._lock:
            closed = []
            for row, names in enumerate(LAYOUT):
                for column, key in enumerate(names):
                    since = now - self._changed_at[key]
                    if since < _BOUNCE_S:
                        if int(since / _BOUNCE_SLOT_S) * 0x9E37 >> 3 & 1:
                            closed.append((row, column))
                        continue
                    if key in self.pressed:
                        closed.append((row, column))
                    if row in low_rows and self._scans[key] < _SETTLE_SCANS:
                        self._count(key, now, gpio.changes, len(low_rows) == 1)
            held_high = {row for row, pin in enumerate(self.rows) if gpio.drives_high(pin)}
        low_columns = set()
        grown = bool(low_rows)
        while grown:
            grown = False
            for row, column in closed:
                if row in low_rows and column not in low_columns:
                    low_columns.add(column)
                    grown = True
                elif column in low_columns and row not in low_rows | held_high:
                    low_rows.add(row)
                    grown = True
        return {self.columns[column] for column in low_columns}
