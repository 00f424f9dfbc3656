"""Sixteen keys in a 4x4 matrix: scanned, debounced, and handed out as codes.

Rows are open-drain outputs, columns are inputs with pull-ups. At rest every row is low, so that
one look at the columns tells whether any key is down; only then is the matrix read row by row.

What always holds: `scan` allocates nothing, not even in passing; a pattern that could be a ghost
changes no key; a key that was down at power-on or is stuck gives no code until it has been seen
up. Native code: stays in memory. Imports nothing of the board: the pins come in through the
constructor.
"""

import asyncio
import time

import micropython
from micropython import const

_LAYOUT = b"123A456B789C*0#D"
_KEYS = const(16)
_ALL_DOWN = const(0xFFFF)

_SCAN_MS = const(8)
_SETTLE_SCANS = const(3)  # equal readings before a change counts: 24 ms
_LONG_MS = const(700)
_STUCK_MS = const(20000)
_RISE_US = const(5)  # pull-up of 45 kOhm against the line's capacitance
_RING = const(32)  # holds one less
_GHOST = const(-1)
_SEVERAL = const(0)

LONG = const(0x80)


class Keypad:
    """The keypad on `rows` (four open-drain pins) and `columns` (four pulled-up inputs).

    `last_ms` is the tick of the last key going down, `beat` counts scans, `stuck` is the code of a
    key that does not come up, 0 for several that can't be told apart (or -1), `dead` has a bit for
    each column that reads low with no row driven.
    """

    def __init__(self, rows, columns):
        self._rows = rows
        self._columns = columns
        self._row_bits = bytearray(4)
        self._counts = bytearray(_KEYS)
        self._ring = bytearray(_RING)
        self._head = 0
        self._tail = 0
        self._down = _ALL_DOWN  # what is down now has to come up first
        self._held = -1
        self._held_ms = 0
        self._changed_ms = self._clear_ms = time.ticks_ms()
        self.last_ms = self._changed_ms
        self.beat = 0
        self.stuck = -1
        self.dead = 0
        self._read_matrix()

    async def run(self):
        """Scan for ever."""
        while True:
            self.scan()
            await asyncio.sleep_ms(_SCAN_MS)

    def get(self):
        """Take the oldest key: its code, with LONG added for a long press, or -1. Nothing of it
        stays here.
        """
        if self._tail == self._head:
            return -1
        code = self._ring[self._tail]
        self._ring[self._tail] = 0
        self._tail = (self._tail + 1) % _RING
        return code

    async def arrival(self, limit_ms):
        """Wait until `get` has a key to give, `limit_ms` at most; may be cancelled at any time
        without losing one.
        """
        start_ms = time.ticks_ms()
        while self._tail == self._head and time.ticks_diff(time.ticks_ms(), start_ms) < limit_ms:
            await asyncio.sleep_ms(_SCAN_MS)

    def held(self, code):
        """Tell whether exactly this key is down now, before any scan ran (a maintenance key at
        power-on).
        """
        wanted = 1 << _LAYOUT.find(bytes((code,)))
        for _ in range(_SETTLE_SCANS):
            if self._read_matrix() != wanted or self.dead:
                return False
            time.sleep_ms(_SCAN_MS)
        return True

    def scan(self):
        """Look once; key codes reach the ring."""
        now = time.ticks_ms()
        self.beat = (self.beat + 1) & 0x3FFFFFFF
        raw = self._look()
        if raw == _GHOST:
            if time.ticks_diff(now, self._clear_ms) >= _STUCK_MS:
                self.stuck = _SEVERAL
            return
        self._clear_ms = now
        if self.stuck == _SEVERAL:
            self.stuck = -1
        if raw or self._down:
            self._settle(raw, now)
            self._watch_held(raw, now)

    @micropython.native  # as byte code its frame would be too large for the stack
    def _settle(self, raw, now):
        changed = raw ^ self._down
        counts = self._counts
        for key in range(_KEYS):
            bit = 1 << key
            if not changed & bit:
                counts[key] = 0
                continue
            counts[key] += 1
            if counts[key] < _SETTLE_SCANS:
                continue
            counts[key] = 0
            self._down ^= bit
            self._changed_ms = now
            if raw & bit:
                self._pressed(key, now)
            else:
                self._released(key)

    def _pressed(self, key, now):
        if self._held >= 0:  # the next finger is down before the first is up: keep their order
            self._put(_LAYOUT[self._held])
        self._held = key
        self._held_ms = now
        self.last_ms = now

    def _released(self, key):
        if self.stuck == _LAYOUT[key]:
            self.stuck = -1
        if key == self._held:
            self._held = -1
            self._put(_LAYOUT[key])

    def _watch_held(self, raw, now):
        long = time.ticks_diff(now, self._held_ms) >= _LONG_MS
        if long and self._held >= 0 and raw & (1 << self._held):
            self._put(_LAYOUT[self._held] | LONG)
            self._held = -1
        resting = self._down & raw
        if resting and self.stuck < 0 and time.ticks_diff(now, self._changed_ms) >= _STUCK_MS:
            for key in range(_KEYS):
                if resting & (1 << key):
                    self.stuck = _LAYOUT[key]
                    break

    def _put(self, code):
        head = (self._head + 1) % _RING
        if head != self._tail:  # full: nobody is reading, the newest key is dropped
            self._ring[self._head] = code
            self._head = head

    def _look(self):
        for column in self._columns:
            if not column.value():
                return self._read_matrix()
        return 0

    @micropython.native
    def _read_matrix(self):
        rows = self._rows
        for row in rows:
            row.value(1)
        time.sleep_us(_RISE_US)
        self.dead = dead = self._read_columns()
        bits = self._row_bits
        found = 0
        for index in range(4):
            rows[index].value(0)
            bits[index] = level = self._read_columns() & ~dead
            rows[index].value(1)
            time.sleep_us(_RISE_US)
            found |= level << (index * 4)
        for row in rows:
            row.value(0)
        # Two rows that share two columns: three keys look like four, none can be trusted.
        for first in range(3):
            for second in range(first + 1, 4):
                common = bits[first] & bits[second]
                if common & (common - 1):
                    return _GHOST
        return found

    def _read_columns(self):
        low = 0
        bit = 1
        for column in self._columns:
            if not column.value():
                low |= bit
            bit <<= 1
        return low
