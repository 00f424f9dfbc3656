"""Asking for the console at the keypad: what is shown, and how long a lock-out lasts."""

import pytest

from firmware.access import console
from host_tests.access.test_operators import Keystore
from host_tests.access.test_reset import SERVICE
from tools.acquirer.keys import CONSOLE, reset_code

LOCKED_S = 1800
_TAP_S = 0.1


class Left(Exception):
    """The board starts anew."""


class Bench:
    """A board that has started nothing, and somebody at its keypad: `typed` at the pages that ask
    for a response, any key again and again at the others. Then they leave.
    """

    terminal, hotline = b"12345678", "95016"

    def __init__(self, *typed):
        self.keystore = Keystore(service_key=SERVICE)
        self.typed = [ord(key) for key in "".join(typed)]
        self.time = self.drawn = 0
        self.pages = []

    def random(self, n):
        self.drawn += 1
        return bytes((self.drawn * 31 + at * 7) % 250 for at in range(n))

    def show(self, *lines):
        if self.pages[-1:] != [lines]:
            self.pages.append(lines)

    def key(self, limit_ms):
        self.time += _TAP_S
        if self.locked:
            return ord("5")
        return self.typed.pop(0) if self.typed else ord("C")

    def rest(self, seconds):
        self.time += seconds

    def reset(self):
        raise Left

    @property
    def locked(self):
        return "Locked" in self.pages[-1]

    def run(self):
        """Return how long it took until they left, in seconds."""
        with pytest.raises(Left):
            console.run(self)
        return self.time


WRONG = "12345678D"


def test_no_key_makes_the_lock_out_shorter():
    bench = Bench(*[WRONG] * 5)
    bench.run()
    assert bench.time >= LOCKED_S
    assert "29 minutes" in {page[3] for page in bench.pages if "Locked" in page}


def test_a_new_challenge_says_nothing_of_the_responses_to_the_one_before():
    bench = Bench(*[WRONG] * 5)
    bench.run()
    first, last = bench.pages[0], bench.pages[-1]
    assert "Wrong, 1 left" in {page[5] for page in bench.pages if len(page) > 5}
    assert last[4] != first[4] and last[5] == ""


def test_after_the_lock_out_the_right_response_opens_it():
    bench = Bench(*[WRONG] * 5)
    challenge = []

    def key(limit_ms):
        if not bench.typed and not challenge and not bench.locked:
            challenge.append(bench.keystore["challenge"][:8].decode())
            right = reset_code(SERVICE, "12345678", CONSOLE, challenge[0])
            bench.typed = [ord(digit) for digit in right + "D"]
        return Bench.key(bench, limit_ms)

    bench.key = key
    console.run(bench)
    assert bench.keystore["console"] == b"\1" and "challenge" not in bench.keystore
