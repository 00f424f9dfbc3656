"""Passwords: counted before they are looked at, locked after five; how the first ones come."""

import asyncio
from itertools import cycle
from types import SimpleNamespace

import pytest

from firmware.access import attempts, cost, numbers, operators, proving
from firmware.errands import first_start
from firmware.storage import audit, audit_log
from firmware.storage import state as store
from firmware.storage.journal import KEYS_MISSING, StorageFault
from firmware.storage.state import State
from host_tests.binding.test_change import Keys
from host_tests.storage.nor import Nor, PowerCut

FIRST = {b"00": b"58203914", b"01": b"73914826"}


class Cut(Exception):
    """The power is gone."""


class Keystore(Keys):
    """As provisioning left it; `cuts` erases from now the power fails, before it is done."""

    def __init__(self, cuts=99, **entries):
        super().__init__()
        self.update(entries)
        self.cuts = cuts
        for number, password in FIRST.items():
            self["first_" + number.decode()] = password

    def get(self, name, buf):
        value = self.get_bytes(name)
        if value is None:
            return -1
        buf[: len(value)] = value
        return len(value)

    def erase(self, name):
        self.cuts -= 1
        if self.cuts == -1:
            raise Cut
        self.pop(name, None)


class Clock:
    """A clock that the test moves."""

    def __init__(self):
        self.time = 1_800_000_000

    def now(self):
        return self.time


class Access:
    """The operators of a terminal that can be switched off and on."""

    def __init__(self, keys=None):
        self.flash, self.keys, self.clock = Nor(6), keys or Keystore(), Clock()
        self.boot()

    def boot(self):
        self.state = State(self.flash, self.keys, lambda n: bytes(range(n)))
        self.board = self
        self.keystore = self.keys
        self.operators = operators.Operators(self)
        asyncio.run(first_start.run(self))

    def random(self, n):
        return bytes(range(n))

    def check(self, number, password):
        return asyncio.run(proving.check(self, number, bytearray(password)))[0]

    def left(self, number):
        return attempts.left(self, number)

    def locked(self, number):
        return attempts.locked(self, number)

    def set(self, number, password):
        return asyncio.run(self.operators.set_password(number, bytearray(password)))


@pytest.fixture
def access():
    return Access()


def test_a_first_password_opens_only_its_own_change(access):
    assert access.check(b"01", FIRST[b"01"]) == operators.MUST_CHANGE
    assert access.set(b"01", b"85203916") == operators.SET
    access.boot()
    assert access.check(b"01", b"85203916") == operators.GRANTED
    assert access.check(b"01", FIRST[b"01"]) == operators.WRONG


def test_each_terminal_has_the_first_passwords_that_were_drawn_for_it(access):
    assert access.check(b"00", FIRST[b"00"]) == operators.MUST_CHANGE
    for well_known in (b"123456", b"0000"):
        assert access.check(b"00", well_known) == operators.WRONG
        assert access.check(b"01", well_known) == operators.WRONG


def test_first_passwords_are_erased_once_there_are_operators(access):
    assert not [name for name in access.keys if name.startswith("first_")]


@pytest.mark.parametrize("cuts", [0, 1])
def test_a_cut_before_they_are_erased_is_made_good_by_the_next_start(monkeypatch, cuts):
    boot = Access.boot
    monkeypatch.setattr(Access, "boot", lambda access: None)
    access = Access(Keystore(cuts))
    with pytest.raises(Cut):
        boot(access)
    boot(access)
    assert not [name for name in access.keys if name.startswith("first_")]
    for number, password in FIRST.items():
        assert access.check(number, password) == operators.MUST_CHANGE


def test_a_terminal_that_was_given_no_first_passwords_needs_service():
    keys = Keystore()
    for number in FIRST:
        keys.erase("first_" + number.decode())
    with pytest.raises(StorageFault) as fault:
        Access(keys)
    assert fault.value.code == KEYS_MISSING


def test_a_supervisor_that_is_missing_without_a_password_for_it_needs_service(access):
    access.state.put(((store.OPERATOR, None),))
    with pytest.raises(StorageFault) as fault:
        access.boot()
    assert fault.value.code == KEYS_MISSING


def test_no_restart_makes_a_lock_out_longer(access):
    hour_ago = access.clock.time
    access.state.put_number(store.TIME, hour_ago)  # the last sign-on that noted the time
    access.clock.time += 3500
    for _ in range(5):
        access.check(b"01", b"999999")
    access.boot()  # without power: the clock begins at the last time known
    access.clock.time = access.state.number(store.TIME)
    assert access.check(b"01", FIRST[b"01"]) == operators.LOCKED
    assert access.locked(b"01") == 30


def test_a_new_password_is_not_the_one_before(access):
    assert access.set(b"01", FIRST[b"01"]) == operators.SAME
    assert access.check(b"01", FIRST[b"01"]) == operators.MUST_CHANGE
    assert access.set(b"01", b"85203916") == operators.SET
    assert access.set(b"01", b"85203916") == operators.SAME
    assert access.set(b"01", b"85203917")


def test_five_wrong_attempts_lock_for_thirty_minutes_also_over_a_restart(access):
    for left in (4, 3, 2, 1):
        assert access.check(b"00", b"999999") == operators.WRONG
        assert access.left(b"00") == left
        access.boot()
    assert access.check(b"00", b"999999") == operators.LOCKED
    access.boot()
    assert access.check(b"00", FIRST[b"00"]) == operators.LOCKED
    access.clock.time += 1799
    assert access.check(b"00", FIRST[b"00"]) == operators.LOCKED
    access.clock.time += 2
    assert access.check(b"00", FIRST[b"00"]) == operators.MUST_CHANGE


def test_the_minutes_of_a_lock_out_count_down(access):
    assert access.locked(b"00") == 0
    for _ in range(5):
        access.check(b"00", b"999999")
    left = []
    for seconds in (0, 1, 60, 1738, 1):
        access.clock.time += seconds
        left.append(access.locked(b"00"))
    assert left == [30, 30, 29, 1, 0]


def test_pulling_the_plug_during_the_check_leaves_the_attempt_counted(access, monkeypatch):
    class Unplugged(Exception):
        pass

    async def verifier(*_):
        raise Unplugged

    monkeypatch.setattr("firmware.access.verifier.run", verifier)
    with pytest.raises(Unplugged):
        access.check(b"01", b"1111")
    access.boot()
    assert access.left(b"01") == 4


@pytest.mark.parametrize("restarts", [False, True])
def test_a_number_that_nobody_has_cannot_be_told_from_an_operators(access, restarts):
    def attempt(number):
        if restarts:
            access.boot()
        result = access.check(number, b"999999")
        return result, access.left(number), access.locked(number)

    for minutes in (0, 0, 0, 0, 0, 0, 1, 28, 2, 0, 0):
        access.clock.time += 60 * minutes
        here = attempt(b"00")
        assert attempt(b"77") == here
    assert here == (operators.LOCKED, 0, 60)
    assert attempt(b"78") == (operators.WRONG, 4, 0)  # each for itself
    assert attempt(b"99") == (operators.WRONG, 4, 0)


def test_the_audit_log_tells_of_numbers_that_nobody_has_too(access):
    def told(number):
        before = access.state.journal.number
        for _ in range(5):
            access.check(number, b"999999")
        entries = audit_log.entries(access.state.journal, before + 1)
        return [entry[4] for _, _, _, entry in entries if entry[5:7] == number]

    assert told(b"77") == told(b"00") == [audit.WRONG] * 4 + [audit.LOCKED]


def test_an_unfinished_write_counts_as_a_failed_attempt_once(access):
    access.flash.cut = 20
    with pytest.raises(PowerCut):
        access.check(b"01", b"999999")  # before it is counted, the password is not looked at
    access.flash.cut = None
    access.boot()
    assert access.check(b"01", b"999999") == operators.WRONG
    assert access.left(b"01") == 3
    assert access.check(b"01", b"999999") == operators.WRONG
    assert access.left(b"01") == 2
    assert access.check(b"01", FIRST[b"01"]) == operators.MUST_CHANGE


def test_no_password_is_on_flash(access):
    access.set(b"01", b"85203916")
    for password in (b"85203916", *FIRST.values()):
        assert password not in bytes(access.flash.data)
    assert b"85203916" not in access.state.get(store.OPERATOR + 1)


# -- what guessing costs -------------------------------------------------------------------------


def costs(access):
    """Return the iterations of each operator's password."""
    return [stored[3] << 8 | stored[4] for _, stored in numbers.each(access.state)]


@pytest.fixture
def chip(monkeypatch):
    """Have a chip take so many microseconds for 200 iterations, each time it is asked."""

    def takes(*took_us):
        ticks = cycle([tick for took in took_us for tick in (1000, 1000 + took)])
        time = SimpleNamespace(ticks_us=lambda: next(ticks), ticks_diff=lambda a, b: a - b)
        monkeypatch.setattr(cost, "time", time)

    return takes


@pytest.mark.parametrize(
    ("took_us", "iterations"),
    [
        ((50_000, 40_000, 90_000), 5000),  # what takes longer did something else meanwhile
        ((900_000,) * 3, cost.LEAST),
        ((100,) * 3, cost.MOST),
    ],
)
def test_guessing_costs_a_second_of_the_chip_between_bounds(chip, took_us, iterations):
    chip(*took_us)
    access = Access(Keystore(count=None))
    assert costs(access) == [iterations] * 2
    assert access.set(b"01", b"85203916") == operators.SET  # nothing is measured any more
    assert costs(access) == [iterations] * 2
    access.boot()
    assert access.check(b"01", b"85203916") == operators.GRANTED


def test_it_never_costs_less_on_a_terminal_that_has_begun(chip):
    chip(*(40_000,) * 3)
    access = Access(Keystore(count=None))
    access.keys["count"] = b"\x03\xe8"
    access.boot()
    for number in (b"00", b"01"):
        assert access.set(number, b"8520391" + number[1:]) == operators.SET
    assert costs(access) == [5000] * 2
