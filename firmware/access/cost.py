"""How often the passwords of a terminal are stretched: about a second of its chip's time.

Asked once, at the first start. May import crypto.
"""

import struct
import time

from micropython import const

from firmware.crypto.pbkdf2 import Pbkdf2

LEAST = const(1000)
MOST = const(20000)
_SAMPLE = const(200)
_SAMPLES = const(3)  # the fastest counts: in the others something else had its turn
_SECOND_US = const(1000000)
# In key storage: how often, 2 bytes, where a chip's time means nothing. The interpreter has the
# name in ROM: any other would stay in memory.
_GIVEN = "count"


def run(keystore):
    """Return the iterations, LEAST to MOST."""
    given = keystore.get_bytes(_GIVEN)
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
