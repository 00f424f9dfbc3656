"""What is fuzzed, the same under both interpreters: good samples, ways to spoil them, and what has
to hold of every verdict.

A target reads `buf[start:end]` and returns an int; `seen` tells what else it found. Whoever runs
it surrounds the range: with a buffer that tells on a touch outside (CPython), or twice with other
neighbours (MicroPython), where the answer must stay the same. Imports the hot rooms, and talks.
"""

import random
from array import array
from binascii import unhexlify

from drivers import pn532
from firmware.card import emv, luhn, tlv, track
from firmware.card.seek import SEEK_LEN, seek
from firmware.message import codec, framing
from firmware.message.fields import ROWS, B, N
from host_tests.readers import talks

_TRACK_1 = b"%B4761739001010119^CARD/TEST^22122011758928889?"
_TRACK_2 = b";4761739001010119=22122011758928889?8"
_TRACKS = (_TRACK_1 + b"\r\n" + _TRACK_2, _TRACK_2, _TRACK_1, b"%E?;E?\r\n", b";1==?")
_TLVS = tuple(
    unhexlify(text)
    for text in (
        "701A5A0847617390010101195F24032212315F340101570400000000",
        "6F1B840E325041592E5359532E4444463031A5095F2D027A689F110101",
        "DF1010" + "55" * 16 + "DF208180" + "A5" * 128,
        "DF1001015A820100" + "11" * 256,
        "7781219F260812121212121212129F100706060606060606570A4761739001010119D221",
    )
)
_TALKS = tuple(
    b"".join([bytes((len(answer),)) + answer for answer in answers if answer.__class__ is bytes])
    for _, _, answers in talks.TALKS
)
_DIGITS = b"1234567890" * 30
_PN532 = tuple(
    unhexlify(text)
    for text in (
        "0000FF02FED4022A00",
        "0000FF05FBD4140100001700",
        "0000FF00FF00",
        "0000FFFF0000",
        "0000FF01FF7F8100",
        "0000FFFFFF0005FBD4140100001700",
    )
)

fields = array("H", [0] * codec.TABLE_LEN)
card = array("H", [0] * track.OUT_LEN)
element = array("i", [0] * SEEK_LEN)
place = array("H", [0] * pn532.OUT_LEN)
listener = talks.Listener()


def _message(mti, high, parts):
    buf = bytearray(512)
    encoder = codec.Encoder(buf)
    encoder.begin(mti, high)
    for de, content in parts:
        encoder.put(de, content, 0, len(content))
    return bytes(buf[: encoder.finish()])


_FRAMES = (
    _message(
        0x0200,
        False,
        ((2, b"6222021234567890128"), (4, b"000000012345"), (35, b"6222021234567890128=3012"))
        + ((39, b"00"), (41, b"10000001"), (55, bytes(20)), (64, bytes(8))),
    ),
    _message(
        0x0310,
        True,
        ((7, b"1124163000"), (11, b"000042"), (42, b"898110012345678"), (60, b"00000001000"))
        + ((62, bytes(12)), (70, b"301"), (101, b"SETTLEBIND"), (120, bytes(50)), (128, bytes(8))),
    ),
)


def _luhn(buf, start, end):
    return luhn.valid(buf, start, end - start)


def _track(buf, start, end):
    return track.parse(buf, start, end, card)


def _card_seen(verdict, start, end):
    assert track.OK <= verdict <= track.INCOMPLETE
    if verdict != track.OK and verdict != track.BAD_CHECK_DIGIT:
        return None
    pan, length, expiry, service = card
    assert start < pan and 1 <= length <= 19 and pan + length < end
    assert expiry == 0 or start < expiry <= end - 5
    assert service == 0 or start < service <= end - 4
    return tuple(card)


def _walk(buf, start, end):
    count = 0
    while start < end:
        start = tlv.step(buf, start, end, element)
        if start < 0:
            return -1
        count += 1
    return count


def _element_seen(verdict, start, end):
    if verdict < 1:
        return None
    value, length = element[tlv.VALUE], element[tlv.LENGTH]
    assert start < value <= value + length <= end
    return tuple(element)[: tlv.OUT_LEN]


def _find(buf, start, end):
    return tlv.find(buf, start, end, 0xDF10, element)


def _seek(buf, start, end):
    return seek(buf, start, end, 0x5A, element)


def _frame(buf, start, end):
    return framing.verdict(buf, start, end - start)


def _frame_seen(verdict, start, end):
    assert verdict == framing.BAD or verdict == framing.MORE or 17 <= verdict <= end - start


def _message_of(buf, start, end):
    return codec.decode(buf, start, end, fields)


def _fields_seen(verdict, start, end):
    assert 0 <= verdict <= 128
    for de in range(2, 129):
        if fields[2 * de]:
            assert start + 10 <= fields[2 * de] <= end
            assert fields[2 * de + 1] <= 2 * (end - start)
    return tuple(fields)


def _reader(buf, start, end):
    return pn532.frame(buf, start, end, place)


def _reader_seen(verdict, start, end):
    assert start <= place[pn532.NEXT] <= end
    if verdict != pn532.DATA:
        return place[pn532.NEXT]
    assert start < place[pn532.PLACE]
    assert place[pn532.PLACE] + place[pn532.LENGTH] < place[pn532.NEXT]
    return tuple(place)


def _talk(buf, start, end):
    return listener.hear_bytes(buf, start, end)


def _talk_seen(verdict, start, end):
    found = bytes(listener.found)
    if verdict == emv.OK:
        number = found[emv.EXPIRY_LEN :].rstrip(b"\0")
        assert 13 <= len(number) <= 19 and number.isdigit()
        assert luhn.valid(number, 0, len(number)) and b"\0" not in number
    elif verdict is not None:
        assert emv.GONE <= verdict <= emv.LOCKED
        assert not any(found) and not any(listener.label)
    return verdict, found, bytes(listener.label)


def _nothing_seen(verdict, start, end):
    return None


# Name, samples, bytes that matter to it, the function, what it found.
TARGETS = (
    ("luhn", (b"6222021234567890128", b"4111111111111111"), b"0123456789", _luhn, _nothing_seen),
    ("track", _TRACKS, b"%;?=^BE019+ \r", _track, _card_seen),
    ("tlv walk", _TLVS, b"\xdf\x10\x81\x82\x80\x00\x01\x1f\x7f", _walk, _element_seen),
    ("tlv find", _TLVS, b"\xdf\x10\x81\x82\x80\x00\x01\x1f\x7f", _find, _element_seen),
    ("seek", _TLVS, b"\x70\x77\x5a\x81\x82\x80\x00\x01\xa5", _seek, _element_seen),
    ("frame", _FRAMES, b"\x00\x03\x0f\x60\xff\xfe", _frame, _frame_seen),
    (
        "message",
        tuple(frame[codec.BODY :] for frame in _FRAMES),
        b"\x00\x01\x10\x20\x80\x99\x9a\xd0\x0d",
        _message_of,
        _fields_seen,
    ),
    ("emv", _TALKS, b"\x00\xff\x5a\x57\x70\x77\x90\x61\x6c\x81", _talk, _talk_seen),
    ("pn532", _PN532, b"\x00\xff\xfe\x01\xd4\x7f", _reader, _reader_seen),
)


def spoilt(samples, alphabet):
    """Return a sample with zero to four things done to it."""
    data = bytearray(random.choice(samples))
    for _ in range(random.randrange(5)):
        what = random.randrange(7)
        at = random.randrange(len(data) + 1)
        if what == 0 and at < len(data):
            data[at] = random.getrandbits(8)
        elif what == 1 and at < len(data):
            data[at] = random.choice(alphabet)
        elif what == 2:
            data = data[:at]
        elif what == 3:
            data = data[:at] + data[at + random.randrange(9) :]
        elif what == 4:
            data = data[:at] + bytes([random.choice(alphabet)] * random.randrange(9)) + data[at:]
        elif what == 5:
            data = data[:at] + random.choice(samples) + data[at:]
        elif at < len(data):
            data[at] ^= 1 << random.randrange(8)
    return data[:1000]


def program(data, buf):
    """Let `data` say which fields are written with an Encoder into `buf`; return its verdict."""
    encoder = codec.Encoder(buf)
    encoder.begin(0x0300, True)
    row = 0
    for step in data:
        row += 5 * (1 + step % 4)
        if row + 5 >= len(ROWS):
            break
        de, form, low, longest = ROWS[row], ROWS[row + 1], ROWS[row + 2], ROWS[row + 4]
        n = longest
        if form >> 4 and longest > low:
            n = low + step % (longest - low)
        if step > 0xFA:
            n = step
        if form == N and step & 4:
            encoder.number(de, step)
        elif form & 15 == B and step & 8:
            encoder.open(de)
            encoder.close(n)
        else:
            encoder.put(de, _DIGITS, 0, n)
    return encoder.finish()
