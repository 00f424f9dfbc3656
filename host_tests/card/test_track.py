"""Tracks against a reading of ISO/IEC 7813 as a regular expression, whole, cut and in noise."""

import re
from array import array

from hypothesis import example, given
from hypothesis import strategies as st
from stdnum import luhn

from firmware.card import track
from host_tests.guarded import Guarded

MONTH = "(?:0[1-9]|1[0-2])"
TRACK_2 = re.compile(
    rb";(?P<pan>\d{1,19})=(?P<expiry>\d\d%s|=)(?P<service>\d{3}|=)[0-9:<=>]*\?" % MONTH.encode()
)
TRACK_1 = re.compile(
    rb"%%B(?P<pan>\d{1,19})\^[ -$&->@-\]_]{2,26}\^(?P<expiry>\d\d%s|\^)(?P<service>\d{3}|\^)"
    rb"[ -$&-:<->@-_]*\?" % MONTH.encode()
)
GOOD = b";4761739001010119=22122011758928889?"


def lrc(data, low, mask):
    value = 0
    for byte in data:
        value ^= byte - low
    return (value & mask) + low


@st.composite
def tracks_2(draw):
    number = draw(st.text("0123456789", min_size=1, max_size=18))
    number += luhn.calc_check_digit(number)
    expiry = draw(st.sampled_from(["2212", "3001", "="]))
    service = draw(st.sampled_from(["201", "120", "="]))
    room = 37 - len(number) - 1 - len(expiry) - len(service)
    rest = draw(st.text("0123456789", max_size=room))
    return f";{number}={expiry}{service}{rest}?".encode()


@st.composite
def tracks_1(draw):
    number = draw(st.text("0123456789", min_size=1, max_size=18))
    number += luhn.calc_check_digit(number)
    name = draw(st.text("ABCXYZ /.-", min_size=2, max_size=26))
    expiry = draw(st.sampled_from(["2212", "3001", "^"]))
    service = draw(st.sampled_from(["201", "120", "^"]))
    room = 76 - 3 - len(number) - len(name) - len(expiry) - len(service)
    rest = draw(st.text("0123456789 ", max_size=min(room, 20)))
    return f"%B{number}^{name}^{expiry}{service}{rest}?".encode()


def parse(data, before=b"", after=b""):
    out = array("H", [9] * track.OUT_LEN)
    start = len(before)
    buf = Guarded(before + data + after, start, start + len(data))
    verdict = track.parse(buf, start, start + len(data), out)
    pan, pan_len, expiry, service = out
    raw = bytes(buf.data)
    found = {
        "pan": raw[pan : pan + pan_len],
        "expiry": raw[expiry : expiry + 4] if expiry else None,
        "service": raw[service : service + 3] if service else None,
    }
    return verdict, found


def read(pattern, data):
    found = pattern.search(data).groupdict()
    return {key: value if value not in (b"=", b"^") else None for key, value in found.items()}


@given(tracks_2(), st.binary(max_size=5), st.binary(max_size=5))
def test_track_2_is_read(data, before, after):
    assert parse(data, before, after) == (track.OK, read(TRACK_2, data))


@given(tracks_1(), st.binary(max_size=5))
def test_track_1_is_read(data, before):
    assert parse(data, before) == (track.OK, read(TRACK_1, data))


@given(tracks_1(), tracks_2(), st.sampled_from([b"", b"\r\n", b"\0"]))
def test_both_tracks_give_track_2(one, two, between):
    assert parse(one + between + two + b"\r\n") == (track.OK, read(TRACK_2, two))


@given(tracks_2(), st.integers(0, 15))
def test_the_lrc_of_track_2_is_checked_where_it_is_sent(data, nibble):
    sent = bytes([0x30 + nibble])
    right = lrc(data, 0x30, 0x0F)
    # A wrong LRC that looks like a start sentinel is taken for one.
    ok = sent[0] == right or sent == b";"
    assert parse(data + sent)[0] == (track.OK if ok else track.BAD_LRC)
    assert parse(data + bytes([right]))[0] == track.OK


@given(tracks_1())
def test_the_lrc_of_track_1_is_checked_where_it_is_sent(data):
    right = lrc(data, 0x20, 0x3F)
    assert parse(data + bytes([right]))[0] == track.OK
    wrong = right ^ 1
    if wrong not in b"%;+":
        assert parse(data + bytes([wrong]))[0] == track.BAD_LRC


def test_the_lrc_of_the_published_card():
    assert parse(GOOD + b"8")[0] == track.OK
    assert parse(GOOD + b"9")[0] == track.BAD_LRC


@given(st.one_of(tracks_1(), tracks_2()))
def test_a_cut_swipe_is_incomplete(data):
    for end in range(1, len(data)):
        assert parse(data[:end], after=data[end:])[0] == track.INCOMPLETE
    assert parse(b"")[0] == track.NOTHING


@given(st.binary(max_size=20).filter(lambda noise: not set(noise) & set(b"%;")), tracks_2())
def test_noise_in_front_is_skipped(noise, data):
    verdict, found = parse(noise + data)
    assert (verdict, found) == (track.OK, read(TRACK_2, data))


@given(tracks_2(), tracks_2())
def test_a_swipe_that_begins_anew_is_read(first, second):
    for cut in (1, 5, len(first) - 1):
        assert parse(first[:cut] + second) == (track.OK, read(TRACK_2, second))


def test_verdicts():
    for data, verdict in (
        (b"%E?", track.BAD_READ),
        (b";E?", track.BAD_READ),
        (b"%E?;E?\r\n", track.BAD_READ),
        (b"%E", track.INCOMPLETE),
        (b";E", track.INCOMPLETE),
        (b"%", track.INCOMPLETE),
        (b"hello\r\n", track.NOTHING),
        (b";?", track.MALFORMED),
        (b";=22122011?", track.MALFORMED),
        (b";4761739001010119?", track.MALFORMED),
        (b";4761739001010119=22132011?", track.MALFORMED),
        (b";4761739001010119=22002011?", track.MALFORMED),
        (b";4761739001010119=2212?", track.MALFORMED),
        (b";4761739001010119=2212201A?", track.MALFORMED),
        (b";47617390010101190000=22122011?", track.MALFORMED),
        (b";4761739001010119=2212201" + b"0" * 14 + b"?", track.MALFORMED),
        (b";4761739001010119=2212201" + b"0" * 13 + b"?", track.OK),
        (b"%A4761739001010119^A B^2212201?", track.MALFORMED),
        (b"%B4761739001010119^A^2212201?", track.MALFORMED),
        (b"%B4761739001010119^" + b"A" * 27 + b"^2212201?", track.MALFORMED),
        (b"%B4761739001010119^a b^2212201?", track.MALFORMED),
        (b"%B4761739001010119^A B^2212201" + b"0" * 47 + b"?", track.OK),
        (b"%B4761739001010119^A B^2212201" + b"0" * 48 + b"?", track.MALFORMED),
        (b"%E?" + GOOD, track.OK),
        (b"%B4761739001010119^A B^2212201?;E?", track.OK),
        (b";6222021234567890123=2212201?", track.BAD_CHECK_DIGIT),
    ):
        assert parse(data)[0] == verdict, data


def test_a_number_without_check_digit_is_still_told():
    verdict, found = parse(b";6222021234567890123=2212201?")
    assert verdict == track.BAD_CHECK_DIGIT
    assert found["pan"] == b"6222021234567890123"


ALPHABET = st.lists(st.sampled_from(b"%;?=^BE0123456789AZ \r\n+"), max_size=120).map(bytes)


@given(st.one_of(st.binary(max_size=120), ALPHABET), st.integers(0, 3))
@example(b";" * 120, 0)
@example(b"%B" + b"1" * 118, 0)
def test_anything_gives_a_verdict_within_the_bounds(data, margin):
    verdict, found = parse(data, b"?" * margin, b"?" * margin)
    assert track.OK <= verdict <= track.INCOMPLETE
    if verdict in (track.OK, track.BAD_CHECK_DIGIT):
        assert luhn.is_valid(found["pan"].decode()) == (verdict == track.OK)
        assert found["pan"] in data


@given(ALPHABET)
def test_what_is_accepted_is_what_the_expression_accepts(data):
    verdict, found = parse(data)
    whole = [
        match
        for pattern, most in ((TRACK_2, 39), (TRACK_1, 78))
        for match in pattern.finditer(data)
        if len(match.group()) <= most
    ]
    if verdict in (track.OK, track.BAD_CHECK_DIGIT):
        assert found["pan"] in [match["pan"] for match in whole]
    elif verdict != track.BAD_LRC:
        assert not whole
