"""The keypad's scan allocates nothing: it runs with the heap locked, keys going down and up."""

import micropython

from drivers import keypad

_KEYS = b"123A456B789C*0#D"
_TIME = keypad.time


class _Moment:
    def __init__(self):
        self.ms = 0

    def ticks_ms(self):
        return self.ms

    def ticks_diff(self, later, earlier):
        return later - earlier

    def sleep_us(self, us):
        pass

    def sleep_ms(self, ms):
        self.ms += ms


class _Copper:
    """Sixteen contacts, without ghosts: a column is low when a pressed key's row is."""

    def __init__(self):
        self.pressed = bytearray(16)
        self.rows = bytearray(4)


class _Row:
    def __init__(self, copper, index):
        self._copper = copper
        self._index = index

    def value(self, level):
        self._copper.rows[self._index] = level


class _Column:
    def __init__(self, copper, index):
        self._copper = copper
        self._index = index

    def value(self):
        for row in range(4):
            if self._copper.pressed[row * 4 + self._index] and not self._copper.rows[row]:
                return 0
        return 1


def _fit():
    keypad.time = moment = _Moment()
    copper = _Copper()
    pad = keypad.Keypad(
        [_Row(copper, index) for index in range(4)], [_Column(copper, index) for index in range(4)]
    )
    return moment, copper, pad


def _scan(moment, pad, scans):
    for _ in range(scans):
        moment.ms += 8
        pad.scan()


def _tap_all(moment, copper, pad, seen):
    _scan(moment, pad, 10)
    for key in range(16):
        copper.pressed[key] = 1
        _scan(moment, pad, 100 if key == 12 else 8)
        copper.pressed[key] = 0
        _scan(moment, pad, 8)
        seen[key] = pad.get()


def test_scanning_and_taking_keys_allocates_nothing():
    moment, copper, pad = _fit()
    seen = bytearray(16)
    micropython.heap_lock()
    try:
        _tap_all(moment, copper, pad, seen)
    finally:
        micropython.heap_unlock()
        keypad.time = _TIME
    assert bytes(seen[:12]) == _KEYS[:12]
    assert seen[12] == ord("*") | keypad.LONG
    assert bytes(seen[13:]) == _KEYS[13:]
    assert pad.get() == -1


def test_what_is_taken_leaves_nothing_in_the_ring():
    moment, copper, pad = _fit()
    try:
        _tap_all(moment, copper, pad, bytearray(16))
        _tap_all(moment, copper, pad, bytearray(16))
    finally:
        keypad.time = _TIME
    assert bytes(pad._ring) == bytes(len(pad._ring))


def test_ghosts_dead_columns_and_stuck_keys_allocate_nothing():
    moment, copper, pad = _fit()
    micropython.heap_lock()
    try:
        _scan(moment, pad, 10)
        copper.pressed[0] = copper.pressed[1] = copper.pressed[4] = copper.pressed[5] = 1
        _scan(moment, pad, 20)
        moment.ms += 100000
        _scan(moment, pad, 1)
        several = pad.stuck
        copper.pressed[0] = copper.pressed[1] = copper.pressed[4] = 0
        moment.ms += 100000
        _scan(moment, pad, 10)
        moment.ms += 100000
        _scan(moment, pad, 10)
        held = pad.get()
        none = pad.get()
        stuck = pad.stuck
        copper.pressed[5] = 0
        _scan(moment, pad, 10)
        free = pad.stuck
    finally:
        micropython.heap_unlock()
        keypad.time = _TIME
    assert (held, none) == (ord("5") | keypad.LONG, -1)
    assert (several, stuck, free) == (0, ord("5"), -1)


def test_two_fingers_at_once_allocate_nothing():
    moment, copper, pad = _fit()
    micropython.heap_lock()
    try:
        _scan(moment, pad, 10)
        copper.pressed[1] = 1
        _scan(moment, pad, 8)
        copper.pressed[2] = 1
        _scan(moment, pad, 8)
        copper.pressed[1] = copper.pressed[2] = 0
        _scan(moment, pad, 8)
        first = pad.get()
        second = pad.get()
    finally:
        micropython.heap_unlock()
        keypad.time = _TIME
    assert (first, second) == (ord("2"), ord("3"))
