"""A 4x4 key matrix without diodes: contacts bounce, and three keys of a rectangle make a ghost.

A key joins its row's wire to its column's wire. A row that is driven low pulls down every column
that it reaches through closed keys, by whatever way: that is what makes ghosts. A row that is
driven high stops the way. `fitted = False` models a board without a keypad.

The terminal's own scans are counted, so that a finger can be as slow as the terminal is: what is
measured in scans holds however busy the host is. At rest every row is low, and a scan is one look
at the columns, which begins with the first of them; with a key down it goes on row by row.
"""

import threading
import time

LAYOUT = ("123A", "456B", "789C", "*0#D")
KEYS = "".join(LAYOUT)

_BOUNCE_S = 0.004
_BOUNCE_SLOT_S = 0.0006
_SETTLE_SCANS = 3  # equal readings before the terminal takes a change (drivers.keypad)
_LONG_AGO = float("-inf")


class KeyMatrix:
    """The keypad as the fingers and as the wires see it.

    rows, columns: GPIO numbers of the four rows and columns. `scans` counts the terminal's scans.
    """

    def __init__(self, rows, columns, clock=time.monotonic):
        self.rows = tuple(rows)
        self.columns = tuple(columns)
        self.fitted = True
        self.pressed = set()
        self.scans = 0
        self._clock = clock
        self._lock = threading.Lock()
        self._changed_at = dict.fromkeys(KEYS, _LONG_AGO)
        self._taps = set()
        self._taken = {}
        self._scans = dict.fromkeys(KEYS, _SETTLE_SCANS)
        self._scanned_in = dict.fromkeys(KEYS, 0)

    # -- the fingers ------------------------------------------------------------------------------

    def down(self, key):
        """Close a key's contact (it bounces)."""
        self._move(key, True)

    def up(self, key):
        """Open a key's contact (it bounces)."""
        self._move(key, False)

    def tap(self, key):
        """Close a key's contact, and open it once the terminal has taken the key: never held long
        enough, in the terminal's own time, to be a long press.
        """
        self._taps.add(key)
        self._move(key, True)

    def _move(self, key, closed):
        if key not in KEYS:
            raise ValueError(f"no key {key!r}")
        with self._lock:
            if not closed:
                self._taps.discard(key)
            if (key in self.pressed) != closed:
                self._set(key, closed, self._clock())

    def _set(self, key, closed, at):
        (self.pressed.add if closed else self.pressed.discard)(key)
        self._changed_at[key] = at
        self._scans[key] = 0

    def settled(self, key):
        """Whether the terminal has looked at the key often enough since it last moved, and a tap
        of it has ended.

        It is what a person does who holds a key until the terminal has taken it, and makes typing
        independent of how busy the host is.
        """
        with self._lock:
            return key not in self._taps and self._scans[key] >= _SETTLE_SCANS

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

    def _count(self, key, now, changes, alone, begins):
        """Count a look at the key's row, once for each scan.

        A row that is driven low alone is looked at in a new scan whenever a pin has changed since.
        With all rows low the terminal is at rest, which tells it only that no key is down.
        """
        if alone:
            new = changes != self._scanned_in[key]
            self._scanned_in[key] = changes
        else:
            new = begins and not self.pressed
        if new:
            self._scans[key] += 1
            if key in self._taps and self._scans[key] == _SETTLE_SCANS:
                self._taken[key] = now

    def _end_taps(self, changes):
        # At the first look after the one that took the key, as if it had come up at once.
        for key, at in list(self._taken.items()):
            if changes != self._scanned_in[key]:
                del self._taken[key]
                if key in self._taps:
                    self._taps.discard(key)
                    self._set(key, False, at)

    def pull_low(self, gpio, asked):
        """Return the column pins that closed keys pull down now; `asked`: the pin looked at."""
        low_rows = {row for row, pin in enumerate(self.rows) if gpio.pulls_low(pin)}
        begins = len(low_rows) == len(self.rows) and asked == self.columns[0]
        if begins:
            self.scans += 1
        if not self.fitted:
            return self.columns
        if not self.active:
            return ()
        now = self._clock()
        with self._lock:
            self._end_taps(gpio.changes)
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
                        self._count(key, now, gpio.changes, len(low_rows) == 1, begins)
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
