"""The codec and the frames on the chip's own interpreter: a whole 0300, chance, a locked heap."""

import random
from array import array
from binascii import unhexlify

from micropython import heap_lock, heap_unlock

from firmware.message import codec, framing
from host_tests.message.digits import digits

KSN = unhexlify("123456789012345600000001")
# LEN, TPDU, MTI, both bitmaps, then DE 7 11 12 13 41 42 60 62 91 101 103 120 128.
FRAME = unhexlify(
    "009C" + "6000030000" + "0300"
    "8238000000C00014" + "000000200A000101"
    + "1124163000" + "000042" + "003000" + "1125"
    + b"10000001".hex() + b"898110012345678".hex()
    + "0011" + "000000010000"
    + "0012" + "123456789012345600000001"
    + b"2".hex()
    + "10" + b"SETTLEBIND".hex()
    + "11" + b"622202*0128".hex()
    + "0041" + "DF1026" + "55" * 38
    + "A1A2A3A4A5A6A7A8"
)  # fmt: skip


def write(encoder, buf):
    encoder.begin(0x0300, True)
    encoder.put(7, b"1124163000", 0, 10)
    encoder.number(11, 42)
    encoder.number(12, 3000)
    encoder.number(13, 1125)
    encoder.put(41, b"10000001", 0, 8)
    encoder.put(42, b"898110012345678", 0, 15)
    encoder.put(60, b"00000001000", 0, 11)
    encoder.put(62, KSN, 0, 12)
    encoder.put(91, b"2", 0, 1)
    encoder.put(101, b"SETTLEBIND", 0, 10)
    encoder.put(103, b"622202*0128", 0, 11)
    at = encoder.open(120)
    buf[at] = 0xDF
    buf[at + 1] = 0x10
    buf[at + 2] = 38
    for i in range(at + 3, at + 41):
        buf[i] = 0x55
    encoder.close(41)
    at = encoder.open(128)
    for i in range(8):
        buf[at + i] = 0xA1 + i
    encoder.close(8)
    return encoder.finish()


def test_a_change_request_is_written_byte_for_byte():
    buf = bytearray(1024)
    assert write(codec.Encoder(buf), buf) == len(FRAME)
    assert buf[: len(FRAME)] == FRAME


def test_its_fields_are_found_again():
    table = array("H", [0] * codec.TABLE_LEN)
    assert codec.decode(FRAME, codec.BODY, len(FRAME), table) == 0
    present = [de for de in range(129) if table[2 * de]]
    assert present == [7, 11, 12, 13, 41, 42, 60, 62, 91, 101, 103, 120, 128]
    assert digits(FRAME, table[22], table[23], True) == b"000042"
    assert digits(FRAME, table[14], table[15], True) == b"1124163000"
    assert digits(FRAME, table[120], table[121], False) == b"00000001000"
    assert FRAME[table[124] : table[124] + table[125]] == KSN


def test_an_odd_fixed_number_keeps_its_leading_zero():
    buf = bytearray(64)
    encoder = codec.Encoder(buf)
    table = array("H", [0] * codec.TABLE_LEN)
    encoder.begin(0x0800, True)
    encoder.number(70, 301)
    total = encoder.finish()
    assert buf[total - 2 : total] == b"\x03\x01"
    assert codec.decode(buf, codec.BODY, total, table) == 0
    assert digits(buf, table[140], 3, True) == b"301"
    buf[total - 2] = 0x13
    assert codec.decode(buf, codec.BODY, total, table) == 70


def test_writing_and_reading_allocate_nothing():
    buf = bytearray(1024)
    encoder = codec.Encoder(buf)
    table = array("H", [0] * codec.TABLE_LEN)
    text = bytearray(11)
    heap_lock()
    try:
        total = write(encoder, buf)
        good = codec.decode(buf, codec.BODY, total, table)
        cut = codec.decode(buf, codec.BODY, total - 1, table)
        buf[codec.BODY + 2] |= 0x40
        wrong = codec.decode(buf, codec.BODY, total, table)
        encoder.begin(0x0300, False)
        order = encoder.number(70, 1)
        after = encoder.put(41, text, 0, 8)
        encoder.begin(0x0300, True)
        unknown = encoder.put(119, text, 0, 8)
    finally:
        heap_unlock()
    assert (total, good, cut) == (len(FRAME), 0, 128)
    assert wrong > 0
    assert (order, after, unknown) == (codec.ORDER, codec.ORDER, codec.UNFIT)


def test_frames_are_taken_apart_without_allocating():
    buf = bytearray(1024)
    framer = framing.Framer(buf)
    joined = FRAME + FRAME
    for cut in (1, 2, 7, 60, len(FRAME), len(FRAME) + 1, len(joined)):
        framer.reset()
        buf[: len(joined)] = joined
        rest = len(joined) - cut
        heap_lock()
        try:
            first = framer.accept(cut)
            wanted = framer.wanted()
            room = framer.room()
            if first == framing.MORE:
                first = framer.accept(rest)
                rest = 0
            second = framer.next()
            if rest:
                framer.reset()
            judged = framing.verdict(buf, 0, 7)
        finally:
            heap_unlock()
        assert first == len(FRAME)
        assert wanted == 0 or wanted <= 1022
        assert room == 1024 - cut
        assert second in (len(FRAME), framing.MORE)
        assert judged == framing.MORE


def test_what_is_no_frame_is_bad():
    for start in (b"\x00\x0e\x60", b"\x03\xff\x60", b"\x04", b"\x00\x0f\x61", b"\xff\xff"):
        assert framing.verdict(start, 0, len(start)) == framing.BAD
    for start in (b"", b"\x00", b"\x03\xfe", b"\x00\x0f\x60"):
        assert framing.verdict(start, 0, len(start)) == framing.MORE


def test_chance_gets_a_verdict():
    random.seed(83)
    table = array("H", [0] * codec.TABLE_LEN)
    accepted = 0
    for _ in range(300):
        data = bytearray(FRAME[codec.BODY :])
        for _ in range(random.randrange(4)):
            data[random.randrange(len(data))] = random.getrandbits(8)
        end = len(data) - random.randrange(3) * random.randrange(len(data))
        end = max(0, end)
        verdict = codec.decode(bytes(data[:end]), 0, end, table)
        assert 0 <= verdict <= 128
        if verdict == 0:
            accepted += 1
            for de in range(2, 129):
                assert table[2 * de] + (table[2 * de + 1] if de > 60 else 0) <= end
    assert accepted
