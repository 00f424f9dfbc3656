"""Card data on the chip's own interpreter: vectors, verdicts, chance, and a locked heap."""

import random
from array import array

from micropython import heap_lock, heap_unlock

from firmware.card import luhn, tlv, track

VALID = (
    b"6200000000000005",
    b"6205500000000000004",
    b"8171999927660000",
    b"6222021234567890128",
    b"4111111111111111",
    b"4761739001010119",
)
TRACK_1 = b"%B4761739001010119^CARD/TEST^22122011758928889?"
TRACK_2 = b";4761739001010119=22122011758928889?"


def test_luhn_knows_the_published_numbers():
    for number in VALID:
        assert luhn.valid(number, 0, len(number)) == 1
        assert luhn.valid(b"x" + number + b"9", 1, len(number)) == 1
        for i in range(len(number)):
            changed = bytearray(number)
            changed[i] = 48 + (changed[i] - 47) % 10
            assert luhn.valid(changed, 0, len(number)) == 0
    assert luhn.valid(b"6222021234567890123", 0, 19) == 0
    assert luhn.valid(b"", 0, 0) == 0
    assert luhn.valid(b"411111111111111:", 0, 16) == 0
    assert luhn.valid(b"41111111 1111111", 0, 16) == 0


def test_tracks_are_found_in_what_a_reader_sends():
    out = array("H", [0] * track.OUT_LEN)
    for data, pan in (
        (TRACK_2, 1),
        (TRACK_2 + b"8\r\n", 1),
        (b"\0\xff;;" + TRACK_2, 5),
        (TRACK_1 + TRACK_2, len(TRACK_1) + 1),
        (TRACK_1, 2),
        (TRACK_1 + b"\r\n;E?", 2),
    ):
        assert track.parse(data, 0, len(data), out) == track.OK
        assert out[track.PAN] == pan
        assert out[track.PAN_LEN] == 16
        assert data[out[track.EXPIRY] :][:4] == b"2212"
        assert data[out[track.SERVICE] :][:3] == b"201"


def test_what_is_no_track_is_named():
    out = array("H", [0] * track.OUT_LEN)
    for data, verdict in (
        (b"", track.NOTHING),
        (b"%E?;E?", track.BAD_READ),
        (TRACK_2[:-1], track.INCOMPLETE),
        (TRACK_2 + b"7", track.BAD_LRC),
        (b";4761739001010119=2213201?", track.MALFORMED),
        (b";4761739001010118=2212201?", track.BAD_CHECK_DIGIT),
    ):
        assert track.parse(data, 0, len(data), out) == verdict


def test_a_card_is_read_without_allocating():
    out = array("H", [0] * track.OUT_LEN)
    both = TRACK_1 + TRACK_2 + b"8"
    cut = both[:-5]
    end_both = len(both)
    end_cut = len(cut)
    heap_lock()
    try:
        good = track.parse(both, 0, end_both, out)
        fallback = track.parse(cut, 0, end_cut, out)
        bad = track.parse(b"%E?;E?", 0, 6, out)
        nothing = track.parse(both, 1, 9, out)
        digit = luhn.valid(both, 2, 16)
        no_digit = luhn.valid(both, 0, 16)
    finally:
        heap_unlock()
    assert (good, fallback, bad, nothing) == (track.OK, track.OK, track.BAD_READ, track.NOTHING)
    assert (digit, no_digit) == (1, 0)


def test_tlvs_are_written_walked_and_found_without_allocating():
    buf = bytearray(700)
    out = array("i", [0] * tlv.OUT_LEN)
    value = bytes(range(256)) + b"!"
    heap_lock()
    try:
        one = tlv.put(buf, 3, 700, 0xDF10, value, 4, 16)
        two = tlv.put(buf, one, 700, 0xDF20, value, 0, 200)
        three = tlv.put(buf, two, 700, 0xDF30, value, 0, 257)
        full = tlv.put(buf, three, three + 4, 0xDF40, value, 0, 2)
        found = tlv.find(buf, 3, three, 0xDF20, out)
        absent = tlv.find(buf, 3, three, 0xDF21, out)
        broken = tlv.find(buf, 3, three - 1, 0xDF20, out)
        end = tlv.step(buf, two, three, out)
    finally:
        heap_unlock()
    assert (one, two, three, full) == (22, 226, 488, -1)
    assert (found, absent, broken, end) == (1, 0, -1, three)
    assert tuple(out) == (0xDF30, 231, 257)
    assert tlv.find(buf, 3, three, 0xDF10, out) == 1
    assert buf[out[tlv.VALUE] : out[tlv.VALUE] + out[tlv.LENGTH]] == value[4:20]


def test_long_tags_stay_small_ints():
    out = array("i", [0] * tlv.OUT_LEN)
    assert tlv.step(b"\xdf\x81\x01\x01A", 0, 5, out) == 5
    assert tuple(out) == (0xDF8101, 4, 1)
    assert tlv.step(b"\xdf\x81\x81\x01\x01A", 0, 6, out) == -1


def test_chance_never_leads_out_of_bounds():
    random.seed(8583)
    tags = array("i", [0] * tlv.OUT_LEN)
    card = array("H", [0] * track.OUT_LEN)
    alphabet = b"%;?=^BE0123456789AZ\xdf\x10\x81\x82\x01\0"
    data = bytearray(64)
    for _ in range(300):
        for i in range(64):
            data[i] = alphabet[random.randrange(len(alphabet))]
        exact = bytes(data)
        assert 0 <= track.parse(exact, 0, 64, card) <= track.INCOMPLETE
        pos = 0
        while 0 <= pos < 64:
            pos = tlv.step(exact, pos, 64, tags)
            assert pos <= 64
        assert tlv.find(exact, 0, 64, 0xDF10, tags) in (-1, 0, 1)
