"""A password reset by the provider: the challenge, and the response to it.

    number(2) challenge(8, digits) made(4) wrong responses(1) locked until(4)

What always holds: a challenge stands for 24 hours, also without power, and is used up by the new
password that it leads to; a response is counted on flash before it is looked at; five wrong ones
lock the terminal's resets for 30 minutes, whomever they are for. May import rooms, the length of
drawn, crypto and storage.
"""

import struct

from micropython import const

from firmware import rooms
from firmware.access import drawn
from firmware.crypto.cmac import mac
from firmware.crypto.compare import equal
from firmware.storage import state as store

RIGHT = const(0)
WRONG = const(1)
LOCKED = const(2)
OVER = const(3)  # the challenge is used up or too old

ATTEMPTS_MAX = const(5)
_LOCK_S = const(1800)
_STANDS_S = const(86400)
_LAYOUT = ">2s8sIBI"
TIMES = ">IBI"  # made, wrong responses, locked until
TIMES_AT = const(10)


def run(desk, number):
    """Return the challenge for an operator's reset, 8 digits: the one that stands, or a new one,
    durable before it is shown.
    """
    stored = desk.state.get(store.RESET) or bytes(struct.calcsize(_LAYOUT))
    whose, challenge, made, wrong, until = struct.unpack(_LAYOUT, stored)
    now = desk.clock.now()
    if whose != number or not 0 <= now - made < _STANDS_S:
        challenge = rooms.ask("firmware.access.drawn", "digits", desk.board.random)
        value = struct.pack(_LAYOUT, number, challenge, now, wrong, until)
        desk.state.put(((store.RESET, value),))
    return challenge


def check(desk, number, response):
    """Look at a response, 8 digits; return RIGHT, WRONG, LOCKED or OVER, and how many attempts are
    left, or for how many minutes it is locked.

    A right one may be given again until the challenge is used up by a new password. Power loss
    during the check leaves the attempt counted; a write that power loss had cut before counts as
    one more. The terminal must have a service key.
    """
    state, now = desk.state, desk.clock.now()
    stored = state.get(store.RESET)
    if stored is None:
        return OVER, 0
    whose, challenge, made, wrong, until = struct.unpack(_LAYOUT, stored)
    if now < until:
        return LOCKED, (until - now + 59) // 60
    if whose != number or not 0 <= now - made < _STANDS_S:
        return OVER, 0
    wrong = 1 if wrong >= ATTEMPTS_MAX else wrong + 1  # the lock has run out
    if state.journal.torn:
        state.journal.torn = False
        wrong += 1
    changes, until = [], 0
    if wrong >= ATTEMPTS_MAX:
        until = now + _LOCK_S
        changes.append((store.TIME, struct.pack(">I", now)))  # see operators.check
    changes.append((store.RESET, struct.pack(_LAYOUT, number, challenge, made, wrong, until)))
    state.put(changes)
    if equal(_expected(desk, number + challenge), response, drawn.LEN):
        right = struct.pack(_LAYOUT, number, challenge, made, 0, 0)
        state.put(((store.RESET, right),))
        return RIGHT, 0
    return (LOCKED, _LOCK_S // 60) if until else (WRONG, ATTEMPTS_MAX - wrong)


def _expected(desk, asked):
    # The last 8 decimal digits of the tag's first 4 bytes.
    message, tag = desk.identity.terminal + asked, bytearray(16)
    mac(desk.board.keystore.get_bytes("service_key"), message, 0, len(message), tag, 0)
    return b"%08d" % (struct.unpack_from(">I", tag)[0] % 100000000)
