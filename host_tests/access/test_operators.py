"""Passwords: counted before they are looked at, locked after five, defaults only to be changed."""

import asyncio

import pytest

from firmware.access import operators
from firmware.storage import state as keys
from firmware.storage.state import State
from host_tests.binding.test_change import Keys
from host_tests.storage.nor import Nor


class Clock:
    """A clock that the test moves."""

    def __init__(self):
        self.time = 1_800_000_000

    def now(self):
        return self.time


class Access:
    """The operators of a terminal that can be switched off and on."""

    def __init__(self):
        self.flash, self.keys, self.clock = Nor(6), Keys(), Clock()
        self.boot()

    def boot(self):
        self.state = State(self.flash, self.keys, lambda n: bytes(range(n)))
        self.board = self
        self.keystore = self.keys
        self.operators = operators.Operators(self)
        asyncio.run(self.operators.install())

    def random(self, n):
        return bytes(range(n))

    def check(self, number, password):
        return asyncio.run(self.operators.check(number, bytearray(password)))


@pytest.fixture
def access():
    return Access()


def test_a_default_password_opens_only_its_own_change(access):
    assert access.check(b"01", b"0000") == operators.MUST_CHANGE
    asyncio.run(access.operators.set_password(b"01", bytearray(b"20261124")))
    access.boot()
    assert access.check(b"01", b"20261124") == operators.GRANTED
    assert access.check(b"01", b"0000") == operators.WRONG


def test_five_wrong_attempts_lock_for_thirty_minutes_also_over_a_restart(access):
    for left in (4, 3, 2, 1):
        assert access.check(b"00", b"999999") == operators.WRONG
        assert access.operators.attempts_left(b"00") == left
        access.boot()
    assert access.check(b"00", b"999999") == operators.LOCKED
    access.boot()
    assert access.check(b"00", b"123456") == operators.LOCKED
    access.clock.time += 1799
    assert access.check(b"00", b"123456") == operators.LOCKED
    access.clock.time += 2
    assert access.check(b"00", b"123456") == operators.MUST_CHANGE


def test_pulling_the_plug_during_the_check_leaves_the_attempt_counted(access):
    class Unplugged(Exception):
        pass

    async def verifier(*_):
        raise Unplugged

    access.operators._verifier = verifier
    with pytest.raises(Unplugged):
        access.check(b"01", b"1111")
    access.boot()
    assert access.operators.attempts_left(b"01") == 4


def test_an_unknown_operator_is_told_the_same_as_a_wrong_password(access):
    assert access.check(b"77", b"0000") == operators.NO_SUCH


def test_no_password_is_on_flash(access):
    asyncio.run(access.operators.set_password(b"01", bytearray(b"20261124")))
    assert b"20261124" not in bytes(access.flash.data)
    assert b"20261124" not in access.state.get(keys.OPERATOR + 1)
