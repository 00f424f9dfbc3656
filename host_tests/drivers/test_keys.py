"""The keypad against a matrix that bounces and ghosts as copper does."""

import asyncio

import machine
import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import Pin

from drivers import keypad

ROWS = (13, 14, 27, 26)
COLUMNS = (25, 33, 32, 23)
KEYS = b"123A456B789C*0#D"


class Hands:
    """Ten fingers on one keypad."""

    def __init__(self, moment):
        self.moment = moment
        self.pad = keypad.Keypad(
            [Pin(number, Pin.OPEN_DRAIN, value=1) for number in ROWS],
            [Pin(number, Pin.IN, Pin.PULL_UP) for number in COLUMNS],
        )

    def wait(self, ms):
        for _ in range(ms // 8):
            self.moment.wait(8)
            self.pad.scan()

    def down(self, *codes):
        for code in codes:
            machine.press(*self._pins(code))

    def up(self, *codes):
        for code in codes:
            machine.release(*self._pins(code))

    def tap(self, code, ms=80):
        self.down(code)
        self.wait(ms)
        self.up(code)
        self.wait(80)

    def codes(self):
        codes = []
        while (code := self.pad.get()) >= 0:
            codes.append(code)
        return bytes(codes)

    def _pins(self, code):
        place = KEYS.index(code.encode())
        return ROWS[place // 4], COLUMNS[place % 4]


@pytest.fixture
def hands(moment):
    """A keypad that has been on for a moment."""
    hands = Hands(moment)
    hands.wait(100)
    return hands


def test_every_key_gives_its_code_once(hands):
    for code in KEYS.decode():
        hands.tap(code)
    assert hands.codes() == KEYS
    assert not machine.shorts


def test_bounce_on_both_edges_is_one_press(hands):
    for state in "101101110111":
        (hands.down if state == "1" else hands.up)("5")
        hands.wait(8)
    hands.wait(80)
    for state in "010010001000":
        (hands.down if state == "1" else hands.up)("5")
        hands.wait(8)
    hands.wait(80)
    assert hands.codes() == b"5"


def test_a_spike_is_no_key(hands):
    hands.down("5")
    hands.wait(16)
    hands.up("5")
    hands.wait(100)
    assert hands.codes() == b""


def test_a_long_press_gives_its_own_code_and_not_the_short_one(hands):
    hands.tap("*", ms=1000)
    assert hands.codes() == bytes((ord("*") | keypad.LONG,))


def test_a_finger_that_is_early_keeps_the_order(hands):
    hands.down("1")
    hands.wait(60)
    hands.down("2")
    hands.wait(60)
    hands.up("2")
    hands.wait(60)
    hands.up("1")
    hands.wait(60)
    assert hands.codes() == b"12"


def test_three_corners_of_a_square_make_no_fourth_key(hands):
    hands.down("1", "2")
    hands.wait(60)
    hands.down("4")  # with 1 and 2 down the copper shows 5 as well
    hands.wait(200)
    hands.up("4")
    hands.wait(60)
    hands.up("1", "2")
    hands.wait(60)
    assert hands.codes() == b"12"


def test_every_column_low_at_power_on_gives_no_key_and_is_a_fault(moment):
    for column in COLUMNS:
        machine.ground(column)
    hands = Hands(moment)
    hands.wait(60000)
    assert hands.codes() == b""
    assert hands.pad.dead == 0b1111


def test_one_dead_column_leaves_the_others_working(moment):
    machine.ground(COLUMNS[3])
    hands = Hands(moment)
    hands.wait(100)
    hands.tap("5")
    hands.tap("D")
    assert hands.codes() == b"5"
    assert hands.pad.dead == 0b1000


def test_a_key_down_at_power_on_counts_only_after_it_was_up(moment):
    machine.press(ROWS[3], COLUMNS[0])
    hands = Hands(moment)
    assert hands.pad.held(ord("*"))
    assert not hands.pad.held(ord("#"))
    hands.wait(2000)
    hands.up("*")
    hands.wait(100)
    assert hands.codes() == b""
    hands.tap("*")
    assert hands.codes() == b"*"


def test_a_stuck_key_is_named_and_the_rest_goes_on(hands):
    hands.down("7")
    hands.wait(25000)
    assert hands.codes() == bytes((ord("7") | keypad.LONG,))
    assert hands.pad.stuck == ord("7")
    hands.tap("2")
    assert hands.codes() == b"2"
    hands.up("7")
    hands.wait(100)
    assert hands.pad.stuck == -1
    hands.tap("7")
    assert hands.codes() == b"7"


def test_all_keys_down_from_power_on_are_reported_and_not_obeyed(moment):
    for row in ROWS:
        for column in COLUMNS:
            machine.press(row, column)
    hands = Hands(moment)
    hands.wait(19000)
    assert hands.pad.stuck == -1
    hands.wait(2000)
    assert hands.pad.stuck == 0
    assert hands.codes() == b""
    hands.up(*KEYS.decode())
    hands.wait(100)
    assert hands.pad.stuck == -1
    hands.tap("5")
    assert hands.codes() == b"5"


def test_a_key_released_while_the_program_was_busy_is_a_short_press(hands):
    hands.down("9")
    hands.wait(40)
    hands.moment.wait(3000)
    hands.up("9")
    hands.wait(80)
    assert hands.codes() == b"9"


def test_a_full_ring_drops_the_newest(hands):
    for _ in range(40):
        hands.tap("1")
    hands.tap("2")
    assert hands.codes() == b"1" * 31


def test_key_waits_for_a_press(hands):
    async def story():
        scanning = asyncio.create_task(hands.pad.run())
        waiting = asyncio.create_task(hands.pad.arrival(60000))
        await asyncio.sleep_ms(100)
        assert not waiting.done()
        hands.down("C")
        for _ in range(10):
            await asyncio.sleep(0)
        hands.up("C")
        await waiting
        scanning.cancel()
        return hands.pad.get()

    beat = hands.pad.beat
    assert asyncio.run(story()) == ord("C")
    assert hands.pad.beat > beat


@given(
    moves=st.lists(
        st.tuples(st.sampled_from(KEYS.decode()), st.booleans(), st.integers(0, 12)), max_size=60
    )
)
def test_no_code_appears_for_a_key_nobody_touched(moment, moves):
    machine.power_on()
    hands = Hands(moment)
    hands.wait(100)
    touched = set()
    for code, down, scans in moves:
        (hands.down if down else hands.up)(code)
        if down:
            touched.add(ord(code))
        hands.wait(scans * 8)
    hands.up(*KEYS.decode())
    hands.wait(100)
    assert {code & 0x7F for code in hands.codes()} <= touched
    hands.tap("5")
    assert hands.codes() == b"5"
