"""The contactless reader at the counter: a bad line, cards that go, a plug that is pulled."""

import random

import pytest

from firmware.card import emv
from tools.simulator.models import cards
from tools.simulator.models.cards import Payment
from tools.simulator.models.pn532 import framed

NUMBER = cards.number("623", 19)
NOISE = bytes.fromhex("55AA00FF03FD00FF7F13")  # what begins a frame twice, and is none


@pytest.fixture
def card():
    return Payment(cards.unionpay())


def is_read(read):
    """Tell whether the card was read."""
    return (read.verdict, read.number, read.expiry) == (emv.OK, NUMBER, "3012")


def settle(counter):
    """Let what is on the line arrive."""
    counter.now_ms += 100


# -- the field ------------------------------------------------------------------------------------


def test_the_field_is_off_between_looks_and_in_the_end(counter):
    on = []
    for ms in range(300, 3000, 7):
        counter.at(ms, lambda: on.append(counter.reader.field))
    assert not counter.arrive(3000)
    assert 0.05 < sum(on) / len(on) < 0.4
    settle(counter)
    assert not counter.reader.field


def test_the_field_is_off_after_a_read_and_after_a_wait_that_was_given_up(counter, card):
    assert is_read(counter.read_one(card))
    settle(counter)
    assert not counter.reader.field
    card.activation_s = 0.9
    counter.at(500, lambda: counter.reader.put(card))
    assert not counter.arrive(800)
    settle(counter)
    assert not counter.reader.field


def test_a_card_that_is_left_lying_is_seen_by_every_look(counter, card):
    assert [is_read(read) for read in counter.read(card, reads=3, until_ms=1500)] == [True] * 3


@pytest.mark.parametrize("kind", ["A", "B"])
@pytest.mark.parametrize("slow_s", [0.2, 0.5, 0.95])
def test_a_slow_card_is_given_its_time(counter, card, kind, slow_s):
    card.kind, card.activation_s = kind, slow_s
    card.uid = card.uid[:4]
    assert is_read(counter.read_one(card))


@pytest.mark.parametrize("uid", ["5A010203", "04A1B2C3D4E5F6", "01020304050607080910"])
def test_a_card_s_own_number_is_told(counter, uid):
    card = cards.Card(bytes.fromhex(uid))
    assert counter.read_one(card).uid == card.uid


def test_a_card_of_the_other_kind_tells_its_number_too(counter):
    card = cards.Card(b"\x11\x22\x33\x44")
    card.kind = "B"
    assert counter.read_one(card).uid == card.uid


def test_a_card_that_is_taken_away_gives_nothing_at_whatever_moment(counter, card):
    counter.read(until_ms=300)
    gone = 0
    for ms in range(2, 400, 6):
        counter.at(0, lambda: counter.reader.put(card))
        counter.at(ms, lambda: counter.reader.take(card))
        reads = counter.read(until_ms=700)
        for read in reads:
            assert is_read(read) or (read.verdict, read.number, read.expiry) == (emv.GONE, "", "")
            gone += read.verdict == emv.GONE
    assert gone > 20


def test_a_card_that_was_taken_away_too_early_is_read_when_it_is_held_again(counter, card):
    counter.at(200, lambda: counter.reader.put(card))
    counter.at(500, lambda: counter.reader.take(card))
    counter.at(900, lambda: counter.reader.put(card))
    first, second = counter.read(reads=2)
    assert first.verdict == emv.GONE
    assert is_read(second)


def test_a_card_that_drags_its_feet_is_given_up(counter, card):
    slowly = card.answer
    card.answer = lambda apdu: (slowly(apdu)[0], 1.9)
    assert counter.read_one(card, until_ms=20000).verdict == emv.GONE
    assert counter.now_ms - counter.found_ms < 10500


def test_a_card_that_never_answers_is_given_up(counter, card):
    answer = card.answer
    card.answer = lambda apdu: (answer(apdu)[0], 60)
    assert counter.read_one(card, until_ms=20000).verdict == emv.GONE
    assert counter.now_ms - counter.found_ms < 2500


# -- the line -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ack", "answer"])
@pytest.mark.parametrize("place", ["before", "behind", "around"])
def test_noise_around_frames_changes_nothing(counter, card, kind, place):
    before = NOISE if place != "behind" else b""
    behind = NOISE if place != "before" else b""
    counter.reader.spoil = lambda which, frame: before + frame + behind if which == kind else frame
    assert is_read(counter.read_one(card, until_ms=10000))


def spoiled(counter, kind, spoil, every=3):
    """Have every so many frames of a kind spoiled."""
    seen = []

    def change(which, frame):
        if which != kind:
            return frame
        seen.append(frame)
        return frame if len(seen) % every else spoil(frame)

    counter.reader.spoil = change


def damaged(frame):
    """Return the frame with a byte changed in its middle."""
    middle = len(frame) // 2
    return frame[:middle] + bytes([frame[middle] ^ 0x10]) + frame[middle + 1 :]


def without_one(frame):
    """Return the frame without a byte that its checksum misses: it can't miss a zero."""
    at = next(at for at in range(min(6, len(frame) - 4), len(frame)) if frame[at])
    return frame[:at] + frame[at + 1 :]


SPOILT = {
    "damaged": damaged,
    "noise inside": lambda frame: frame[:6] + b"\xaa" + frame[6:],
    "a byte lost": without_one,
    "cut short": lambda frame: frame[:-4],
    "lost": lambda frame: b"",
    "twice": lambda frame: frame + frame,
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_an_acknowledgement_that_is_spoilt_costs_a_repeat_at_most(counter, card, spoil):
    spoiled(counter, "ack", spoil)
    assert is_read(counter.read(card, reads=1, until_ms=20000)[0])


@pytest.mark.parametrize("spoil", [name for name in SPOILT if name != "lost"])
def test_an_answer_that_is_spoilt_is_asked_for_again(counter, card, spoil):
    spoiled(counter, "answer", SPOILT[spoil])
    assert is_read(counter.read_one(card, until_ms=20000))
    asked = [apdu for apdu in card.seen if apdu[1] == 0xA8]
    assert len(asked) == 1  # the card was not


def test_an_answer_that_is_lost_is_a_card_that_is_gone_and_the_next_one_is_read(counter, card):
    lost = []

    def lose(kind, frame):
        if kind == "answer" and len(frame) > 60 and not lost:
            lost.append(frame)
            return b""
        return frame

    counter.reader.spoil = lose
    first, second = counter.read(card, reads=2, until_ms=20000)
    assert first.verdict == emv.GONE
    assert is_read(second)


def test_a_reader_that_says_error_is_asked_again(counter, card):
    spoiled(counter, "answer", lambda frame: bytes.fromhex("0000FF01FF7F8100"), every=5)
    assert is_read(counter.read_one(card, until_ms=20000))


def test_an_answer_to_something_else_is_no_answer(counter, card):
    other = framed(bytes.fromhex("D54100") + bytes.fromhex("6F009000"))
    counter.reader.spoil = lambda kind, frame: other + frame if frame[6:7] == b"\x4b" else frame
    assert is_read(counter.read_one(card))


@pytest.mark.parametrize("seed", range(12))
def test_on_a_line_full_of_noise_a_card_is_read_or_it_is_not(counter, card, seed):
    draw = random.Random(seed)

    def noisy(kind, frame):
        what = draw.random()
        at = draw.randrange(len(frame))
        if what < 0.1:
            return frame[:at] + draw.randbytes(draw.randrange(1, 30)) + frame[at:]
        if what < 0.2:
            return frame[:at] + bytes([frame[at] ^ 1 << draw.randrange(8)]) + frame[at + 1 :]
        return draw.randbytes(draw.randrange(40)) + frame if what < 0.3 else frame

    counter.reader.spoil = noisy
    reads = counter.read(card, reads=8, until_ms=30000)
    for read in reads:
        assert is_read(read) or not (read.number or read.expiry)
    assert any(is_read(read) for read in reads)


@pytest.mark.parametrize("largest", [20, 100, 254, 262])
def test_an_answer_comes_whole_in_however_many_frames(counter, largest):
    counter.reader.largest = largest
    record = cards.tlv(
        0x70,
        cards.tlv(0x5A, cards.packed(NUMBER)),
        cards.tlv(0x5F24, b"\x30\x12\x31"),
        cards.tlv(0x90, bytes(232)),
    )
    assert len(record) == 256
    one = cards.unionpay()
    one.records[2, 1] = record
    assert is_read(counter.read_one(Payment(one)))


def test_an_answer_longer_than_any_is_none(counter, card):
    answer = card.answer
    card.answer = lambda apdu: (answer(apdu)[0] + bytes(300), 0.02)
    assert counter.read_one(card).verdict == emv.GONE


# -- the plug -------------------------------------------------------------------------------------


def test_without_a_reader_no_card_comes_and_nothing_stops(counter, card):
    counter.reader.fitted = False
    counter.reader.put(card)
    assert not counter.arrive(5000)
    assert counter.turns < 5000


def test_a_reader_that_is_plugged_in_later_is_found(counter, card):
    counter.reader.fitted = False
    counter.at(1500, lambda: setattr(counter.reader, "fitted", True))
    assert is_read(counter.read_one(card))


def test_a_reader_that_is_pulled_out_and_plugged_in_again_comes_back(counter, card):
    for ms in range(400, 900, 31):
        counter.reader.fitted = True
        counter.at(ms, lambda: setattr(counter.reader, "fitted", False))
        counter.at(ms + 700, lambda: setattr(counter.reader, "fitted", True))
        counter.at(ms + 800, lambda: counter.reader.put(card))
        assert is_read(counter.read_one(until_ms=6000))
        counter.reader.take(card)


def test_a_reader_that_is_pulled_out_in_the_middle_of_a_card_gives_nothing(counter, card):
    counter.read(until_ms=300)
    for ms in range(60, 250, 13):
        counter.reader.fitted = True
        counter.at(0, lambda: counter.reader.put(card))
        counter.at(ms, lambda: setattr(counter.reader, "fitted", False))
        for read in counter.read(until_ms=1500):
            assert (read.verdict, read.number, read.expiry) == (emv.GONE, "", "")
        counter.reader.take(card)
    counter.reader.fitted = True
    assert is_read(counter.read_one(card))


def test_a_reader_that_still_speaks_fast_is_understood_at_the_next_field(counter, card):
    assert is_read(counter.read_one(card))
    counter.reader.forget()
    assert is_read(counter.read_one(card))
    assert 0x10 not in counter.reader.commands  # it spoke fast already


def test_a_reader_that_does_not_agree_to_speak_faster_is_understood(counter, card):
    counter.reader.agrees = False
    assert is_read(counter.read_one(card))


def test_a_reader_that_agrees_and_is_not_understood_then_is_left_as_it_was(counter, card):
    # The line is too long for the higher speed.
    counter.reader.spoil = lambda kind, frame: (
        bytes(len(frame)) if counter.reader.baud != 115200 else frame
    )
    counter.at(900, lambda: setattr(counter.reader, "fitted", False))
    counter.at(1000, lambda: setattr(counter.reader, "fitted", True))
    assert is_read(counter.read_one(card, until_ms=8000))
