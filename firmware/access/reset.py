"""A password reset by the provider: the challenge, and the response to it.

    number(2) challenge(8, digits) made(4)

What always holds: a challenge stands for 24 hours, also without power, and is used up by the new
password that it leads to, also in an older journal; a response is counted before it is looked at,
see `attempts`: wrong ones lock the terminal's resets, whomever they are for. May import rooms,
attempts and storage.
"""

import struct

from micropython import const

from firmware import rooms
from firmware.access import attempts
from firmware.storage import state as store
from firmware.storage.journal import KEYS_FULL, StorageFault

RIGHT = const(0)
WRONG = const(1)
LOCKED = const(2)
OVER = const(3)  # the challenge is used up or too old

_STANDS_S = const(86400)
_LAYOUT = ">2s8sI"
_ANSWERED = "answered"  # in the keystore: number and challenge of the reset that was made last
MADE_AT = const(10)


def run(desk, number):
    """Return the challenge for an operator's reset, 8 digits: the one that stands, or a new one,
    durable before it is shown.
    """
    challenge = _standing(desk, number)
    if challenge is None:
        challenge = rooms.ask("firmware.access.drawn", "digits", desk.board.random)
        value = struct.pack(_LAYOUT, number, challenge, desk.clock.now())
        desk.state.put(((store.RESET, value),))
    return challenge


def check(desk, number, response):
    """Look at a response, 8 digits; return RIGHT, WRONG, LOCKED or OVER, and how many attempts are
    left, or for how many minutes it is locked.

    A right one may be given again until the challenge is used up by a new password. Power loss
    during the check leaves the attempt counted. The terminal must have a service key.
    """
    minutes = attempts.locked(desk, attempts.RESETS)
    if minutes:
        return LOCKED, minutes
    challenge = _standing(desk, number)
    if challenge is None:
        return OVER, 0
    attempts.count(desk, attempts.RESETS)
    keystore, terminal = desk.board.keystore, desk.identity.terminal
    if rooms.ask("firmware.access.right", "run", keystore, terminal, number, challenge, response):
        attempts.over(desk, attempts.RESETS, ())
        return RIGHT, 0
    minutes = attempts.locked(desk, attempts.RESETS)
    return (LOCKED, minutes) if minutes else (WRONG, attempts.left(desk, attempts.RESETS))


def use_up(desk, number, change, entry):
    """Make `change`, which an operator's challenge has led to, and `entry` true, and the challenge
    and the operator's lock-out over with them. Power loss leaves what was, or all of it.
    """
    stored = desk.state.get(store.RESET)
    attempts.over(desk, number, (change, (store.RESET, None)), entry)
    if stored is None:
        return
    try:
        desk.board.keystore.put(_ANSWERED, stored[:MADE_AT])
    except OSError:
        raise StorageFault(KEYS_FULL) from None


def _standing(desk, number):
    # The challenge for an operator's reset, None when none stands.
    stored = desk.state.get(store.RESET)
    if stored is None or stored[:MADE_AT] == desk.board.keystore.get_bytes(_ANSWERED):
        return None
    whose, challenge, made = struct.unpack_from(_LAYOUT, stored)
    stands = whose == number and 0 <= desk.clock.now() - made < _STANDS_S
    return challenge if stands else None
