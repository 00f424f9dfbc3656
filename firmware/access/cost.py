"""How often a new password is stretched: about a second of this chip's time.

What always holds: all passwords of a terminal cost the same, as much as the first of them that
this firmware has stored; it is never less than what any of them costs already. May import numbers,
crypto and what operators calls things.
"""

import struct
import time

from micropython import const

from firmware.access import numbers
from firmware.access.operators import ITERATIONS_AT
from firmware.crypto.pbkdf2 import Pbkdf2

LEAST = const(1000)  # what firmware before this one took
MOST = const(20000)
_SAMPLE = const(200)
_SAMPLES = const(3)  # the fastest counts: in the others something else had its turn
_SECOND_US = const(1000000)
_GIVEN = "stretch"  # in key storage: how often, 2 bytes, where a chip's time means nothing


def run(desk):
    """Return the iterations, LEAST to MOST, or more if some password costs more already."""
    known = 0
    for _, stored in numbers.each(desk.state):
        known = max(known, struct.unpack_from(">H", stored, ITERATIONS_AT)[0])
    if known > LEAST:
        return known
    given = desk.board.keystore.get_bytes(_GIVEN)
    wanted = _measured() if given is None else struct.unpack(">H", given)[0]
    return max(LEAST, min(wanted, MOST))


def _measured():
    best = _SECOND_US
    for _ in range(_SAMPLES):
        work = Pbkdf2(b"", b"", _SAMPLE + 1)
        began = time.ticks_us()
        work.step(_SAMPLE)
        best = min(best, max(1, time.ticks_diff(time.ticks_us(), began)))
    return _SAMPLE * _SECOND_US // best
