"""The acquirer's codec and TLV reader against the client's, which share no code."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tests.interop import client as wire
from tools.acquirer import message, tlv

KSN = bytes(range(12))


def digits(size):
    return st.text("0123456789", min_size=size, max_size=size)


def printable(low, high):
    return st.text([chr(code) for code in range(0x20, 0x7F)], min_size=low, max_size=high)


FIELDS = st.fixed_dictionaries(
    {
        7: digits(10),
        11: digits(6).filter(lambda stan: stan != "000000"),
        12: digits(6),
        13: digits(4),
        41: printable(8, 8),
        42: printable(15, 15),
        60: digits(6).map(lambda batch: f"00{batch}000"),
        62: st.binary(min_size=12, max_size=12),
        91: st.just("2"),
        101: printable(1, 17),
        103: printable(1, 28),
        120: st.binary(max_size=700),
        128: st.binary(min_size=8, max_size=8),
    },
    optional={102: printable(1, 28)},
)


@given(FIELDS)
def test_what_the_client_packs_the_acquirer_reads(fields):
    read = message.decode(wire.pack("0300", fields))
    assert read.fault is None
    assert read.fields == fields


@given(FIELDS)
def test_what_the_acquirer_packs_the_client_reads(fields):
    mti, read = wire.unpack(message.encode(message.Message("0310", fields)))
    assert mti == "0310"
    assert read == fields


SALE = {
    2: "622202123456789012",
    3: "000000",
    4: "000000000100",
    11: "000001",
    14: "3012",
    22: "021",
    25: "00",
    35: "4761739001010119d22122011758928889",
    41: "T0000001",
    42: "M00000000000001",
    62: KSN,
    64: bytes(8),
}


@pytest.mark.parametrize("pan", ["622202123456789012", "6222021234567890128"])
def test_odd_and_even_numbers(pan):
    read = message.decode(wire.pack("0200", SALE | {2: pan}))
    assert read.fault is None
    assert read[2] == pan
    assert read[22] == "021"
    assert read[35] == SALE[35].upper()


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    with contextlib.suppress(message.Unanswerable):
        message.decode(data)


@given(st.binary(max_size=60))
def test_any_block_is_read_or_refused(data):
    try:
        pairs = tlv.split(data)
    except tlv.TlvError:
        return
    assert tlv.join(pairs) == data


@given(
    st.dictionaries(
        st.integers(0x10, 0x7F).map(lambda low: 0xDF00 | low), st.binary(max_size=300), max_size=4
    )
)
def test_blocks_are_the_same_in_both_hands(pairs):
    block = wire.tlvs(pairs)
    assert tlv.join(pairs.items()) == block
    assert dict(tlv.split(block)) == pairs == dict(wire.read_tlvs(block))


def test_a_frame_that_does_not_fit_is_not_made():
    with pytest.raises(ValueError, match="does not fit"):
        message.frame(message.DEFAULT_TPDU, bytes(1018))
