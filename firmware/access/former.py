"""What stands behind a password's verifier in what is stored of an operator: as many beginnings of
former verifiers as there are, the newest first; then the tag of the operator's card, if any, which
is of an odd length.

May import what operators calls things.
"""

from micropython import const

from firmware.access.operators import FIRST, FLAGS, ITERATIONS_AT, STORED_LEN, VERIFIER

CARD_LEN = const(7)
_MOST = const(3)
_LEN = const(4)  # of each: nobody hits it by chance


def card(stored):
    """Return the tag of the operator's card, b"" when there is none."""
    return stored[-CARD_LEN:] if (len(stored) - STORED_LEN) & 1 else b""


def with_card(stored, tag):
    """Return what is stored of the operator with the card of this tag, b"" for none."""
    return stored[:STORED_LEN] + _beginnings(stored) + tag


def kept(before, made):
    """Return what is stored of an operator whose password changes from that of `before`, as it was
    stored, to that of `made`, which has a verifier and no more. A password that was drawn, or that
    nobody could tell again under its own salt and cost, is not kept.
    """
    former = _beginnings(before)
    if (
        not before[FLAGS] & FIRST
        and before[ITERATIONS_AT:VERIFIER] == made[ITERATIONS_AT:VERIFIER]
    ):
        former = (before[VERIFIER : VERIFIER + _LEN] + former)[: _MOST * _LEN]
    return made + former + card(before)


def has(stored, made):
    """Tell whether the password of `made` is one of the former ones of whom `stored` is of."""
    former, wanted = _beginnings(stored), made[VERIFIER : VERIFIER + _LEN]
    for at in range(0, len(former), _LEN):
        if former[at : at + _LEN] == wanted:
            return True
    return False


def _beginnings(stored):
    return stored[STORED_LEN : len(stored) - len(card(stored))]
