"""A reset by the provider: challenge, response, and what becomes of wrong ones."""

import asyncio
from types import SimpleNamespace

import pytest

from firmware.access import drawn, operators, reset, roster, shifting
from firmware.storage import audit, audit_log
from host_tests.access.test_operators import FIRST, Access
from host_tests.storage.nor import PowerCut
from tools.acquirer.keys import reset_code

SERVICE = bytes(range(16, 32))
DAY_S = 86400


class Shop(Access):
    """A terminal with a service key, as provisioning gives it one."""

    def __init__(self):
        super().__init__()
        self.keys["service_key"] = SERVICE
        self.identity = SimpleNamespace(terminal=b"12345678", merchant=b"898310054110001")
        self.drawn = 0

    def random(self, n):
        self.drawn = getattr(self, "drawn", 0) + 1
        return bytes((self.drawn * 31 + at * 7) % 256 for at in range(n))

    def challenge(self, number):
        return bytes(reset.run(self, number)).decode()

    def respond(self, number, response):
        return reset.check(self, number, bytearray(response.encode()))

    def right(self, number):
        return reset_code(SERVICE, "12345678", number.decode(), self.challenge(number))

    def new_password(self, number, password):
        return asyncio.run(
            operators.Operators(self).set_password(number, bytearray(password), True)
        )


@pytest.fixture
def shop():
    return Shop()


def test_a_supervisor_who_has_forgotten_chooses_a_new_password(shop):
    for _ in range(5):
        shop.check(b"00", b"999999")
    assert shop.check(b"00", FIRST[b"00"]) == operators.LOCKED
    response = shop.right(b"00")
    assert shop.respond(b"00", response) == (reset.RIGHT, 0)
    before = shop.state.journal.number
    assert shop.new_password(b"00", b"71828182") == operators.SET
    told = [entry[4:7] for _, _, _, entry in audit_log.entries(shop.state.journal, before + 1)]
    assert told == [bytes((audit.PROVIDER,)) + b"00"]
    assert shop.check(b"00", b"71828182") == operators.GRANTED
    assert shop.respond(b"00", response) == (reset.OVER, 0)  # used up


def test_the_administrator_begins_with_a_reset(shop):
    assert shop.check(b"99", b"59317604") == operators.WRONG
    assert shop.respond(b"99", shop.right(b"99"))[0] == reset.RIGHT
    assert shop.new_password(b"99", b"59317604") == operators.SET
    shop.boot()
    assert shop.check(b"99", b"59317604") == operators.GRANTED


def test_twenty_operators_leave_the_administrator_a_place(shop):
    for number in range(2, 21):
        asyncio.run(roster.run(shop, b"%02d" % number, bytearray(8)))
    assert shop.new_password(b"99", b"59317604") == operators.SET
    assert shop.check(b"99", b"59317604") == operators.GRANTED


def test_nobody_else_is_begun_by_a_reset(shop):
    assert shop.respond(b"42", shop.right(b"42"))[0] == reset.RIGHT
    assert shop.new_password(b"42", b"59317604") == operators.NOBODY
    assert shop.check(b"42", b"59317604") == operators.WRONG


def test_the_challenge_stands_for_a_day_also_without_power(shop):
    first = shop.challenge(b"00")
    shop.clock.time += DAY_S - 1
    shop.boot()
    assert shop.challenge(b"00") == first
    response = shop.right(b"00")
    shop.clock.time += 1
    assert shop.respond(b"00", response) == (reset.OVER, 0)
    second = shop.challenge(b"00")
    assert second != first
    assert shop.respond(b"00", response)[0] == reset.WRONG


def test_a_response_is_for_one_operator_of_one_terminal(shop):
    response = shop.right(b"00")
    assert shop.challenge(b"01")
    assert shop.respond(b"01", response)[0] == reset.WRONG
    shop.identity.terminal = b"12345679"
    assert shop.respond(b"01", reset_code(SERVICE, "12345678", "01", shop.challenge(b"01")))[0]


def test_five_wrong_responses_lock_resets_for_half_an_hour_whoever_it_is_for(shop):
    shop.challenge(b"00")
    said = []
    for _ in range(4):
        said.append(shop.respond(b"00", "00000000"))
        shop.boot()  # counted on flash
    assert said == [(reset.WRONG, left) for left in (4, 3, 2, 1)]
    assert shop.respond(b"00", "00000000") == (reset.LOCKED, 30)
    shop.boot()
    assert shop.respond(b"00", shop.right(b"00")) == (reset.LOCKED, 30)
    assert shop.respond(b"01", shop.right(b"01")) == (reset.LOCKED, 30)
    shop.clock.time += 1799
    assert shop.respond(b"01", shop.right(b"01")) == (reset.LOCKED, 1)
    shop.clock.time += 1
    assert shop.respond(b"01", shop.right(b"01")) == (reset.RIGHT, 0)


def test_another_operators_challenge_gives_no_more_attempts(shop):
    for number in (b"00", b"01", b"02", b"03"):
        shop.challenge(number)
        assert shop.respond(number, "00000000")[0] == reset.WRONG
    shop.challenge(b"04")
    assert shop.respond(b"04", "00000000") == (reset.LOCKED, 30)


def test_a_clock_that_is_set_moves_challenge_and_lock_with_it(shop):
    first = shop.challenge(b"00")
    for _ in range(5):
        shop.respond(b"00", "00000000")
    shop.state.put(shifting.put_off(shop.state, shop.clock.time, 5 * DAY_S))
    shop.clock.time += 5 * DAY_S
    assert shop.challenge(b"00") == first
    assert shop.respond(b"00", shop.right(b"00")) == (reset.LOCKED, 30)


def test_power_lost_after_a_right_response_costs_no_second_call(shop):
    response = shop.right(b"00")
    assert shop.respond(b"00", response)[0] == reset.RIGHT
    shop.flash.cut = 20
    with pytest.raises(PowerCut):
        shop.new_password(b"00", b"71828182")
    shop.flash.cut = None
    shop.boot()
    assert shop.check(b"00", b"71828182") == operators.WRONG
    assert shop.respond(b"00", response)[0] == reset.RIGHT
    assert shop.new_password(b"00", b"71828182") == operators.SET
    assert shop.check(b"00", b"71828182") == operators.GRANTED


def test_a_response_whose_counting_was_cut_counts(shop):
    shop.challenge(b"00")
    shop.flash.cut = 20
    with pytest.raises(PowerCut):
        shop.respond(b"00", "00000000")
    shop.flash.cut = None
    shop.boot()
    assert shop.respond(b"00", "00000000") == (reset.WRONG, 3)


def test_random_digits_are_digits_whatever_is_drawn():
    random = [bytes((255, 254, 253, 252, 251, 250, 249, 7)), bytes(range(8))]
    assert drawn.digits(lambda n: random.pop(0)) == b"97012345"


@pytest.mark.parametrize("wrong", [0, 1])
def test_the_service_key_is_in_memory_only_while_a_response_is_compared(shop, monkeypatch, wrong):
    given, read = f"{(int(shop.right(b'00')) + wrong) % 10**8:08d}", []

    def get(name, buf):
        read.append(buf)
        buf[:] = shop.keys[name]
        return len(buf)

    def get_bytes(name):
        assert name != "service_key", "what nobody can overwrite"
        return dict(shop.keys).get(name)

    monkeypatch.setattr(shop.keys, "get", get)
    monkeypatch.setattr(shop.keys, "get_bytes", get_bytes)
    said, _ = shop.respond(b"00", given)
    assert said == (reset.WRONG if wrong else reset.RIGHT)
    assert [bytes(buf) for buf in read] == [bytes(16)]
