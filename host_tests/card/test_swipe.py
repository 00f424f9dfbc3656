"""A swipe in pieces, twice or in noise, through a buffer that is smaller than all that."""

from hypothesis import given
from hypothesis import strategies as st

from firmware.card import track
from firmware.card.swipe import Swipe

CARD = (
    b"%B4761739001010119^CARD/TEST^22122011758928889?\r\n;4761739001010119=22122011758928889?8\r\n"
)
OTHER = b";6222021234567890128=30122010000?\r\n"
NOISE = st.binary(max_size=700).map(lambda raw: raw.translate(None, b"%;"))
PIECES = st.lists(st.integers(1, 90), min_size=1, max_size=20)


def swiped(stream, pieces):
    """Return (verdict, PAN) when all of `stream` came in `pieces`."""
    swipe = Swipe(bytearray(256))
    at = turn = 0
    while at < len(stream) and swipe.room():
        n = min(pieces[turn % len(pieces)], swipe.room(), len(stream) - at)
        turn += 1
        swipe.buf[swipe.fill : swipe.fill + n] = stream[at : at + n]
        at += n
        swipe.accept(n)
        assert 0 <= swipe.fill <= 256
    verdict = swipe.verdict()
    pan = swipe.out[track.PAN]
    return verdict, bytes(swipe.buf[pan : pan + swipe.out[track.PAN_LEN]])


@given(NOISE, NOISE, PIECES)
def test_a_card_is_found_in_any_noise(before, after, pieces):
    assert swiped(before + CARD + after, pieces) == (track.OK, b"4761739001010119")


@given(PIECES, st.integers(0, 30))
def test_of_two_cards_swiped_at_once_the_first_stands(pieces, gap):
    stream = CARD + b"\0" * gap + OTHER
    assert swiped(stream, pieces) == (track.OK, b"4761739001010119")
    assert swiped(OTHER + b"\0" * gap + CARD, pieces)[1] == b"6222021234567890128"


@given(PIECES, st.integers(1, 12))
def test_a_swipe_that_was_broken_off_does_not_spoil_the_next(pieces, times):
    stream = b"%B4761739001010119^CARD" * times + CARD
    assert swiped(stream, pieces) == (track.OK, b"4761739001010119")


@given(NOISE, PIECES)
def test_a_bad_track_is_not_forgotten_in_the_noise_after_it(noise, pieces):
    assert swiped(b"%E?;E?\r\n" + noise, pieces)[0] == track.BAD_READ
    assert swiped(noise, pieces)[0] == track.NOTHING


@given(st.binary(max_size=900), PIECES)
def test_anything_gets_a_verdict(stream, pieces):
    assert track.OK <= swiped(stream, pieces)[0] <= track.INCOMPLETE


def test_when_the_buffer_is_full_and_the_card_is_there_no_more_is_taken():
    swipe = Swipe(bytearray(CARD + bytes(256 - len(CARD))))
    swipe.accept(256)
    assert swipe.room() == 0
    assert swipe.verdict() == track.OK
