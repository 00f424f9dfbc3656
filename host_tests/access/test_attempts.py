"""Nobody gets more tries than there are: by the plug, by older flash or keys, or by a clock."""

import asyncio
import random
from unittest import mock

import pytest

from firmware.access import attempts, operators, reset, roster, shifting
from firmware.access import failed as failures
from firmware.storage import audit, audit_log, turn
from firmware.storage import state as store
from firmware.storage.journal import HEAD, KEYS_FULL, MAC, StorageFault
from host_tests.access.test_operators import FIRST
from host_tests.access.test_reset import Shop
from host_tests.storage.nor import PowerCut

WRONG = b"999999"
HOUR_S = 3600
DAY_S = 24 * HOUR_S


class Board(Shop):
    """A terminal whose flash and keys somebody with a soldering iron can read and write."""

    def image(self):
        return bytes(self.flash.data)

    def restore(self, image):
        self.flash.data[:] = image
        self.boot()

    def nvs(self):
        return dict(self.keys)

    def restore_nvs(self, entries):
        self.keys.clear()
        self.keys.update(entries)
        self.boot()

    def zero(self, records):
        """Overwrite the newest records with zeros, as many of them."""
        log, data = self.state.journal, self.flash.data
        end = log.head * self.flash.sector_size + log.pos
        at = end - records
        data[at:end] = bytes(end - at)
        self.boot()

    def fill(self):
        """Begin a sector with the whole state, and put behind it what nobody misses."""
        turn.begin(self.state.journal)
        for _ in range(5):
            self.state.put_number(store.STAN, 64)

    def fail(self, number, times):
        for _ in range(times):
            said = self.check(number, WRONG)
        return said


@pytest.fixture
def board():
    return Board()


def tried(board, number, hours, before=lambda: None, after=lambda: None, seconds=60):
    """Try wrong passwords for `hours`, one every `seconds`; how many were looked at."""
    looked = [0]

    async def verifier(*_):
        looked[0] += 1
        return bytes(16)  # of a wrong one, with no time spent

    end = board.clock.time + hours * HOUR_S
    while board.clock.time < end:
        before()
        try:
            with mock.patch("firmware.access.verifier.run", verifier):
                board.check(number, WRONG)
        except PowerCut:
            board.flash.cut = None
            board.boot()
        after()
        board.clock.time += seconds
    return looked[0]


# -- what a thief of the flash, or of the keys, would do ----------------------------------------


@pytest.mark.parametrize("failed", [1, 3, 5, 6])
def test_an_older_journal_gives_no_new_tries(board, failed):
    older = board.image()
    for _ in range(failed):
        board.clock.time += 2 * DAY_S
        board.check(b"00", WRONG)
    board.restore(older)
    if failed < 5:
        assert board.left(b"00") == 5 - failed
    else:
        assert board.locked(b"00") == (30 if failed == 5 else 60)
        assert board.check(b"00", FIRST[b"00"]) == operators.LOCKED


def test_the_lock_out_that_an_older_journal_has_lost_begins_anew_once_and_is_told(board):
    older = board.image()
    board.fail(b"00", 5)
    board.clock.time += 1700
    board.restore(older)
    before = board.state.journal.number
    assert board.check(b"00", FIRST[b"00"]) == operators.LOCKED
    board.clock.time += 1799
    board.boot()
    assert board.check(b"00", FIRST[b"00"]) == operators.LOCKED
    board.clock.time += 1
    assert board.check(b"00", FIRST[b"00"]) == operators.MUST_CHANGE
    entries = [entry for *_, entry in audit_log.entries(board.state.journal, before + 1)]
    assert [(entry[4], entry[5:7], entry[9:]) for entry in entries] == [
        (audit.LOCKED, b"00", b"set back"),
        (audit.RIGHT, b"00", b""),
    ]


@pytest.mark.parametrize("zeros", [96, 48, 150])
def test_zeros_over_the_newest_record_give_no_new_tries(board, zeros):
    for failed in range(1, 5):
        board.fill()
        assert board.check(b"00", WRONG) == operators.WRONG
        board.zero(zeros)
        assert board.left(b"00") <= 5 - failed
        if board.left(b"00") <= 1:
            break
    assert board.fail(b"00", 1) == operators.LOCKED


def test_older_keys_give_no_new_tries(board):
    older = board.nvs()
    board.fail(b"00", 4)
    board.restore_nvs(older)
    assert board.left(b"00") == 1
    assert board.fail(b"00", 1) == operators.LOCKED
    board.restore_nvs(older)
    assert board.locked(b"00") == 30


def test_each_of_the_two_can_be_set_back_in_turn_for_a_day(board):
    """Whichever is older has been made up for by the other before the next try is looked at."""
    journal, keys, turn = board.image(), board.nvs(), [0]

    def set_back():
        turn[0] += 1
        if turn[0] % 2:
            board.restore(journal)
        else:
            board.restore_nvs(keys)

    assert tried(board, b"00", 24, before=set_back, seconds=300) <= 10


# -- a torn or damaged tail ---------------------------------------------------------------------


def torn(board):
    board.flash.cut = 20
    with pytest.raises(PowerCut):
        board.state.put_number(store.STAN, 64)
    board.flash.cut = None
    board.boot()


def test_a_torn_tail_is_a_failed_attempt_of_everybody_who_has_one_running_once(board):
    for number, times in ((b"00", 2), (b"01", 3), (b"77", 1)):
        board.fail(number, times)
    torn(board)
    board.state.put_number(store.STAN, 64)  # whatever is put first
    for _ in range(3):
        board.boot()
        board.state.put_number(store.STAN, 64)
        left = [board.left(number) for number in (b"00", b"01", b"77", b"42")]
        assert left == [2, 1, 3, 5]


def test_a_start_alone_does_not_settle_it_and_a_cut_put_does_not_either(board):
    board.fail(b"01", 1)
    torn(board)
    image, before = board.image(), board.flash.steps
    board.state.put_number(store.STAN, 64)
    steps, found = board.flash.steps - before, set()
    for cut in range(0, steps, 7):
        board.restore(image)
        board.boot()
        assert board.left(b"01") == 4
        board.flash.cut = cut
        with pytest.raises(PowerCut):
            board.state.put_number(store.STAN, 64)
        board.flash.cut = None
        board.boot()
        board.state.put_number(store.STAN, 64)
        found.add(board.left(b"01"))
    assert found == {3, 2}  # 2 where the next sector was whole, and what was put there is torn


def test_what_is_damaged_before_the_newest_record_counts_as_the_newest_does(board):
    """The count itself is two records back when the log has told of the attempt."""
    board.fail(b"01", 2)
    log, data = board.state.journal, board.flash.data
    end = log.head * board.flash.sector_size + log.pos
    newest = HEAD + 32 + MAC
    data[end - newest - 64 : end - newest - 48] = bytes(16)
    board.boot()
    board.state.put_number(store.STAN, 64)
    assert board.left(b"01") == 2
    board.boot()
    board.state.put_number(store.STAN, 64)
    assert board.left(b"01") == 2


# -- how long it locks, and what ends it --------------------------------------------------------


def test_each_wrong_one_after_the_first_lock_out_locks_for_twice_as_long_up_to_a_day(board):
    minutes = []
    board.fail(b"00", 4)
    for _ in range(9):
        assert board.check(b"00", WRONG) == operators.LOCKED
        minutes.append(board.locked(b"00"))
        board.boot()
        board.clock.time += 60 * minutes[-1] - 1
        assert board.check(b"00", FIRST[b"00"]) == operators.LOCKED
        board.clock.time += 1
    assert minutes == [30, 60, 120, 240, 480, 960, 1440, 1440, 1440]
    assert board.check(b"00", FIRST[b"00"]) == operators.MUST_CHANGE
    board.fail(b"00", 4)
    assert board.left(b"00") == 1
    assert board.fail(b"00", 1) == operators.LOCKED
    assert board.locked(b"00") == 30


def test_the_supervisor_ends_it_with_a_first_password_and_the_provider_with_a_reset(board):
    board.fail(b"01", 5)
    first = bytearray(8)
    asyncio.run(roster.run(board, b"01", first))
    assert board.check(b"01", first) == operators.MUST_CHANGE
    board.fail(b"00", 5)
    assert board.respond(b"00", board.right(b"00"))[0] == reset.RIGHT
    assert board.new_password(b"00", b"71828182") == operators.SET
    assert board.check(b"00", b"71828182") == operators.GRANTED
    assert board.keys.get_bytes("failures") is None


def test_wrong_responses_to_a_challenge_are_counted_and_locked_like_passwords(board):
    older, keys = board.image(), board.nvs()
    board.challenge(b"00")
    for _ in range(4):
        assert board.respond(b"00", "00000000")[0] == reset.WRONG
    board.restore(older)
    board.challenge(b"00")
    assert board.respond(b"00", "00000000") == (reset.LOCKED, 30)
    board.restore_nvs(keys)
    board.clock.time += 1800
    assert board.respond(b"00", "00000000") == (reset.LOCKED, 60)
    board.clock.time += HOUR_S
    assert board.respond(b"00", board.right(b"00")) == (reset.RIGHT, 0)
    assert board.left(attempts.RESETS) == 5


def test_a_challenge_that_was_used_up_is_not_there_again_with_an_older_journal(board):
    response, older = board.right(b"00"), board.image()
    assert board.respond(b"00", response)[0] == reset.RIGHT
    assert board.new_password(b"00", b"71828182") == operators.SET
    board.restore(older)
    assert board.respond(b"00", response) == (reset.OVER, 0)
    assert board.right(b"00") != response


# -- the clock ----------------------------------------------------------------------------------


def test_a_lock_out_lasts_as_long_with_power_whatever_the_clock_begins_with(board):
    board.fail(b"00", 5)
    locked_at = board.clock.time
    board.clock.time -= DAY_S  # a start that knows no time, whose floor is before
    assert board.locked(b"00") == 30  # not a day and a half
    board.clock.time = max(board.clock.time, board.state.number(store.TIME))  # as a start does
    assert board.clock.time == locked_at
    for minutes in (11, 11):
        board.clock.time += 60 * minutes
        assert board.check(b"00", FIRST[b"00"]) == operators.LOCKED
        board.boot()
        board.clock.time = board.state.number(store.TIME)  # the plug was pulled
    assert board.locked(b"00") == 8  # what is over is over: it does not lock for ever
    board.clock.time += 60 * 8
    assert board.check(b"00", FIRST[b"00"]) == operators.MUST_CHANGE


@pytest.mark.parametrize("seconds", [30 * DAY_S, -30 * DAY_S])
def test_a_clock_that_is_set_neither_ends_a_lock_out_nor_makes_it_longer(board, seconds):
    board.fail(b"00", 5)
    board.fail(b"77", 6)
    board.clock.time += 600
    board.state.put(shifting.put_off(board.state, board.clock.time, seconds))
    board.clock.time += seconds
    board.boot()
    assert board.locked(b"00") == 20
    board.restore_nvs({**board.nvs(), "failures": b"\0\6"})  # its clock is nobody's
    assert board.locked(b"00") == 60


# -- a day at the keypad ------------------------------------------------------------------------


@pytest.mark.parametrize("number", [b"00", b"01", b"77", b"99"])
def test_a_day_at_the_keypad_is_ten_tries_at_most(board, number):
    assert tried(board, number, 24) == 10


@pytest.mark.parametrize("seed", range(3))
def test_a_day_at_the_keypad_with_the_plug_in_hand_is_ten_tries_at_most(board, seed):
    """The power fails at any byte of any write; then the clock begins where it was last known."""
    steps = [0]

    def plug():
        steps[0] += 1
        board.flash.cut = (steps[0] * 37 + seed * 101) % 700

    def again():
        board.flash.cut = None
        board.clock.time = max(board.clock.time - 30, board.state.number(store.TIME))

    assert tried(board, b"00", 24, plug, again, seconds=200) <= 10


@pytest.mark.parametrize("seed", range(2))
def test_a_day_of_every_attack_in_turn_is_ten_tries_at_most(board, seed):
    """Before each try the plug, zeros, an older journal or older keys, whichever comes."""
    board.fill()
    chosen = random.Random(seed)
    journals, keys = [board.image()], [board.nvs()]

    def attack():
        board.flash.cut = None
        match chosen.randrange(5):
            case 0:
                board.flash.cut = chosen.randrange(500)
            case 1:
                board.zero(chosen.choice((16, 48, 96)))
            case 2:
                board.restore(chosen.choice(journals))
            case 3:
                board.restore_nvs(chosen.choice(keys))

    def again():
        board.flash.cut = None
        journals.append(board.image())
        keys.append(board.nvs())

    assert tried(board, b"00", 24, attack, again, seconds=400) <= 10


def test_the_plug_pulled_before_the_keys_have_counted_it_is_no_try_gained(board, monkeypatch):
    looked = []

    async def verifier(*_):
        looked.append(1)

    def full(name, data):
        raise OSError

    monkeypatch.setattr(board.keys, "put", full, raising=False)
    monkeypatch.setattr("firmware.access.verifier.run", verifier)
    with pytest.raises(StorageFault) as fault:
        board.check(b"00", WRONG)
    assert fault.value.code == KEYS_FULL
    assert not looked  # what can't be counted is not looked at
    monkeypatch.undo()
    board.boot()
    assert board.left(b"00") == 4


# -- what the acquirer is told, and what older firmware has left --------------------------------


def test_failures_are_told_those_with_most_first(board):
    assert failures.told(board.state, board.keys) == b""
    board.fail(b"01", 2)
    board.fail(b"77", 3)
    board.challenge(b"00")
    board.respond(b"00", "00000000")
    assert failures.told(board.state, board.keys) == bytes((77, 3, 1, 2, 100, 1))
    for number in range(100):
        board.check(b"%02d" % number, WRONG)
    told = failures.told(board.state, board.keys)
    assert told[:4] == bytes((77, 4, 1, 3)) and len(told) == 64


def test_everybody_can_be_locked_and_the_clock_be_set_meanwhile(board):
    """The longest record that this makes: every number there is, and a challenge."""
    board.challenge(b"00")
    until = (board.clock.time + HOUR_S).to_bytes(4, "big")
    failed = b"".join(bytes((low << 6 | 6,)) + until for low in range(4))
    for quarter in range(25):
        board.state.put(((store.ATTEMPTS + quarter, failed),))
    board.state.put(((store.ATTEMPTS + 25, failed[:5]),))
    board.state.put(shifting.put_off(board.state, board.clock.time, DAY_S))
    board.clock.time += DAY_S + 60
    board.boot()
    everybody = [b"%02d" % number for number in range(100)] + [attempts.RESETS]
    assert {board.locked(number) for number in everybody} == {59}
    board.clock.time += HOUR_S
    assert board.fail(b"99", 1) == board.fail(b"00", 1) == operators.LOCKED
    assert board.locked(b"99") == 120


def test_what_firmware_before_has_counted_is_taken_over(board):
    until = board.clock.time + 1200
    board.state.put(
        (
            (store.FORMER_ATTEMPTS, b"\x05" + until.to_bytes(4, "big")),
            (store.FORMER_ATTEMPTS + 1, b"\x03\0\0\0\0"),
            (store.FORMER_ATTEMPTS + 7, b"\x01\0\0\0\0"),  # of somebody who is there no more
        )
    )
    board.boot()
    assert board.check(b"00", FIRST[b"00"]) == operators.LOCKED
    assert board.locked(b"00") == 20
    assert board.left(b"01") == 2
    assert not any(board.state.has(store.FORMER_ATTEMPTS + index) for index in range(22))
