"""The codec against pyiso8583: the same bytes for the same fields, the same verdict on damage."""

from array import array

import iso8583
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.message import codec, fields
from host_tests.guarded import Guarded
from host_tests.interop.spec import SPEC

from .digits import digits

DIGITS = "0123456789"
PRINTABLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
EXACT = {60, 62}
NUMERIC = {2, 3, 4, 7, 11, 12, 13, 14, 22, 25, 60, 70, 90}
BYTES = {55, 62, 63, 64, 120, 128}
KNOWN = [int(field) for field in SPEC if field.isdigit() and field != "1"]


def content(de):
    """Return a strategy for the value of `de`, as pyiso8583 has it."""
    layout = SPEC[str(de)]
    longest = layout["max_len"]
    shortest = longest if not layout["len_type"] or de in EXACT else 0
    if de in NUMERIC or de == 35:
        alphabet = DIGITS + ("=" if de == 35 else "")
        return st.text(alphabet, min_size=max(shortest, 1), max_size=longest)
    if de in BYTES:
        longest = min(longest, 260)
        return st.binary(min_size=shortest, max_size=longest).map(lambda raw: raw.hex().upper())
    return st.text(PRINTABLE, min_size=shortest, max_size=longest)


@st.composite
def messages(draw):
    """Draw {field: value} with an MTI, never more than fits a frame."""
    chosen = draw(st.sets(st.sampled_from(KNOWN), max_size=len(KNOWN)))
    fields = {"t": draw(st.sampled_from(["0200", "0300", "0301", "0310", "0800", "0810"]))}
    fields.update({str(de): draw(content(de)) for de in sorted(chosen)})
    return fields


def by_reference(fields):
    """Encode with pyiso8583, which takes `D` where track 2 has `=`."""
    fields = {
        key: value.replace("=", "D") if key == "35" else value for key, value in fields.items()
    }
    return bytes(iso8583.encode(fields, SPEC)[0])


def by_us(fields, size=1024, number=False):
    """Encode with the firmware; return (verdict, message without LEN and TPDU)."""
    high = any(key.isdigit() and int(key) > 64 for key in fields)
    buf = Guarded(bytes(size))
    encoder = codec.Encoder(buf)
    encoder.begin(int(fields["t"], 16), high)
    for key, value in fields.items():
        if not key.isdigit():
            continue
        de = int(key)
        fixed = de in NUMERIC and not SPEC[key]["len_type"] and len(value) <= 12
        if number and fixed and int(value) <= 0x7FFFFFFF:
            encoder.number(de, int(value))
        elif de in NUMERIC or de == 35:
            encoder.put(de, b"##" + value.encode(), 2, len(value))
        elif de in BYTES:
            raw = bytes.fromhex(value)
            encoder.put(de, b"#" + raw, 1, len(raw))
        else:
            encoder.put(de, value.encode() + b"#", 0, len(value))
    total = encoder.finish()
    if total > 0:
        assert buf.data[:2] == (total - 2).to_bytes(2, "big")
        assert buf.data[2:7] == bytes.fromhex("6000030000")
        assert not any(buf.data[total:])
    return total, bytes(buf.data[codec.BODY : max(total, 0)])


def decode(data, margin=7):
    """Decode with the firmware; return (verdict, {field: value})."""
    buf = Guarded(b"\x99" * margin + data + b"\x99" * margin, margin, margin + len(data))
    table = array("H", [77] * codec.TABLE_LEN)
    verdict = codec.decode(buf, buf.start, buf.end, table)
    fields = {}
    for de in range(2, 129):
        off, length = table[2 * de], table[2 * de + 1]
        if not off:
            assert length == 0
            continue
        assert de in KNOWN
        if de in NUMERIC or de == 35:
            fields[str(de)] = digits(buf, off, length, not SPEC[str(de)]["len_type"]).decode()
        else:
            raw = bytes(buf.data[off : off + length])
            fields[str(de)] = raw.hex().upper() if de in BYTES else raw.decode()
    return verdict, fields


@settings(max_examples=max(400, settings().max_examples))
@given(messages(), st.booleans())
def test_both_make_the_same_bytes_and_read_the_same_fields(fields, number):
    expected = by_reference(fields)
    total, ours = by_us(fields, number=number)
    if len(expected) + 7 > 1024:
        assert total == codec.TOO_LONG
    else:
        assert ours == expected
    verdict, found = decode(expected)
    assert verdict == 0
    assert found == {key: value for key, value in fields.items() if key.isdigit()}


def judged_by_reference(data):
    """Return the fields that pyiso8583 finds, or None; with what it does not check itself."""
    try:
        fields = iso8583.decode(data, SPEC)[0]
    except (iso8583.DecodeError, KeyError):
        return None
    for key, value in fields.items():
        de = int(key) if key.isdigit() else 0
        if key == "t" and not value.isdigit():
            return None
        if de in NUMERIC and not (value.isdigit() and value.isascii()):
            return None
        if de == 35 and not value.replace("D", "0").isdigit():
            return None
        if de in EXACT and len(value) != SPEC[key]["max_len"] * (2 if de in BYTES else 1):
            return None
        if de in (2, 35) and not value:
            return None
        if de and de not in NUMERIC | BYTES | {1, 35} and not all(" " <= c <= "~" for c in value):
            return None
    fields = {key: value for key, value in fields.items() if key.isdigit() and key != "1"}
    if "35" in fields:
        fields["35"] = fields["35"].replace("D", "=")
    return fields


@settings(max_examples=max(400, settings().max_examples))
@given(
    messages(),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=3),
    st.integers(0, 300),
    st.binary(max_size=2),
)
def test_both_judge_damage_alike(fields, changes, cut, tail):
    data = bytearray(by_reference(fields))
    for at, byte in changes:
        data[at % len(data)] = byte
    for damaged in (bytes(data), bytes(data[: len(data) - cut % len(data)]), bytes(data) + tail):
        verdict, found = decode(damaged)
        expected = judged_by_reference(damaged)
        assert (verdict == 0) == (expected is not None)
        if expected is not None:
            assert found == expected


@given(
    st.one_of(
        st.binary(max_size=80),
        st.builds(
            lambda bits, rest: b"\x03\x00" + bits + rest,
            st.lists(st.sampled_from(b"\x00\x20\x10\x80\xc0\x04"), min_size=16, max_size=16).map(
                bytes
            ),
            st.binary(max_size=120),
        ),
    )
)
def test_anything_is_judged_alike_and_within_the_bounds(data):
    verdict, found = decode(data)
    expected = judged_by_reference(data)
    assert (verdict == 0) == (expected is not None)
    assert 0 <= verdict <= 128
    if expected is not None:
        assert found == expected


def test_the_fault_is_named():
    fields = {
        "t": "0300",
        "7": "1124001500",
        "11": "123456",
        "41": "10000001",
        "60": "00000001000",
        "120": "DF1000",
        "128": "00" * 8,
    }
    good = by_reference(fields)
    assert decode(good)[0] == 0
    for de, old, new in (
        (7, "1124001500", "11240015A0"),
        (11, "123456", "1A3456"),
        (41, b"10000001".hex(), b"1000000\n".hex()),
        (60, "0011000000010000", "0011000000010001"),
        (60, "0011000000010000", "0010000000010000"),
        (120, "0003DF1000", "0A03DF1000"),
        (128, "0003DF1000", "0004DF1000"),
        (codec.MESSAGE, "0300", "0C00"),
        (10, "82200000", "82600000"),
        (65, "0000000000000101", "8000000000000101"),
    ):
        whole = good.hex().upper()
        assert old in whole
        damaged = bytes.fromhex(whole.replace(old, new, 1))
        assert decode(damaged)[0] == de, (de, old)
    assert decode(good + b"\0")[0] == codec.MESSAGE
    assert decode(good[:-1])[0] == 128
    for n in range(18):
        assert decode(good[:n])[0] == codec.MESSAGE
    assert decode(b"")[0] == codec.MESSAGE


@given(messages(), st.integers(16, 300))
def test_a_small_buffer_is_never_overrun(fields, size):
    length = len(by_reference(fields)) + 7
    total, _ = by_us(fields, size)
    assert total == (length if length <= size else codec.TOO_LONG)


def encoder(size=1024):
    made = codec.Encoder(bytearray(size))
    assert made.finish() == codec.ORDER
    assert made.begin(0x0300, True) == codec.BODY + 18
    return made


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (lambda e: e.number(1, 0), codec.ORDER),
        (lambda e: e.number(129, 0), codec.ORDER),
        (lambda e: e.number(5, 0), codec.UNFIT),
        (lambda e: e.number(11, 1000000), codec.UNFIT),
        (lambda e: e.number(11, -1), codec.UNFIT),
        (lambda e: e.number(22, 1000), codec.UNFIT),
        (lambda e: e.number(60, 1), codec.UNFIT),
        (lambda e: e.number(41, 1), codec.UNFIT),
        (lambda e: e.number(90, 1), codec.UNFIT),
        (lambda e: e.close(-1), codec.ORDER),
        (lambda e: (e.open(120), e.close(-1))[1], codec.UNFIT),
        (lambda e: e.put(120, b"", 0, -1), codec.UNFIT),
        (lambda e: e.put(11, b"00001", 0, 5), codec.UNFIT),
        (lambda e: e.put(11, b"00000x", 0, 6), codec.UNFIT),
        (lambda e: e.put(2, b"1" * 20, 0, 20), codec.UNFIT),
        (lambda e: e.put(2, b"1=1", 0, 3), codec.UNFIT),
        (lambda e: e.put(60, b"0" * 12, 0, 12), codec.UNFIT),
        (lambda e: e.put(41, b"123456789", 0, 9), codec.UNFIT),
        (lambda e: e.put(41, b"1234567\n", 0, 8), codec.UNFIT),
        (lambda e: e.put(101, b"A" * 18, 0, 18), codec.UNFIT),
        (lambda e: e.put(62, bytes(11), 0, 11), codec.UNFIT),
        (lambda e: e.put(62, bytes(13), 0, 13), codec.UNFIT),
        (lambda e: e.put(128, bytes(7), 0, 7), codec.UNFIT),
        (lambda e: e.close(0), codec.ORDER),
        (lambda e: (e.open(120), e.close(1000))[1], codec.UNFIT),
        (lambda e: (e.open(120), e.number(128, 0))[1], codec.ORDER),
        (lambda e: (e.open(120), e.finish())[1], codec.ORDER),
        (lambda e: (e.number(11, 1), e.number(11, 1))[1], codec.ORDER),
        (lambda e: (e.number(11, 1), e.put(7, b"0" * 10, 0, 10))[1], codec.ORDER),
    ],
)  # fmt: skip
def test_the_first_failure_stays(step, code):
    made = encoder()
    assert step(made) == code
    assert made.put(120, b"x", 0, 1) == code
    assert made.put(91, b"2", 0, 1) == code
    assert made.open(128) == code
    assert made.close(8) == code
    assert made.finish() == code
    made.begin(0x0800, False)
    assert made.number(11, 1) == codec.BODY + 13
    assert made.number(70, 1) == codec.ORDER


def test_text_is_padded_to_its_field():
    assert by_us({"t": "0300", "41": "AB"})[1][-8:] == b"AB      "


def test_a_field_is_written_in_place():
    buf = bytearray(1024)
    made = codec.Encoder(buf)
    made.begin(0x0300, True)
    pos = made.open(120)
    buf[pos : pos + 3] = b"abc"
    assert made.close(3) == pos + 3
    mac = made.open(128)
    assert mac == pos + 3
    assert buf[codec.BODY + 17] == 1
    assert made.close(8) == made.finish() == mac + 8
    fields = iso8583.decode(buf[codec.BODY : mac + 8], SPEC)[0]
    assert fields["120"] == b"abc".hex().upper()


def test_a_buffer_without_room_for_the_bitmap_is_refused():
    made = codec.Encoder(bytearray(24))
    assert made.begin(0x0300, True) == codec.TOO_LONG
    assert made.number(11, 1) == codec.TOO_LONG
    assert made.begin(0x0300, False) == codec.BODY + 10


def test_the_codec_knows_the_kinds_of_the_table():
    ours = (codec._N, codec._Z, codec._TEXT, codec._B)
    assert ours == (fields.N, fields.Z, fields.TEXT, fields.B)
    rows = [fields.ROWS[at : at + 5] for at in range(0, len(fields.ROWS), 5)]
    assert [row[0] for row in rows] == [*sorted(KNOWN), 255]
