"""A binding that comes from the acquirer is checked like what a merchant types."""

import pytest

from firmware.binding import checked, model
from firmware.binding.legible import clean, legible
from firmware.card import tlv

LONGEST = {
    model.NAME: ("长" * 40).encode(),
    model.ACCOUNT: b"1" * 32,
    model.CNAPS: b"2" * 12,
    model.BANK: ("行" * 30).encode(),
    model.KIND: b"\x01",
    model.LICENCE: b"91310000MA1K35XT1W",
}
CARD = {
    model.NAME: b"shop",
    model.LICENCE: LONGEST[model.LICENCE],
    model.PAN: b"6222020200112233445",
    model.EXPIRY: b"3012",
}


def composed(fields):
    """Lay TLVs in the order given, whatever they are."""
    buf, pos = bytearray(900), 0
    for tag, value in fields:
        pos = tlv.put(buf, pos, len(buf), tag, value, 0, len(value))
    return bytes(buf[:pos])


def test_the_longest_of_the_table_fits_exactly_and_is_good():
    tlvs = model.compose(LONGEST)
    assert len(tlvs) == model.BINDING_MAX
    assert checked.is_binding(tlvs)
    assert checked.is_binding(model.compose(CARD))
    assert checked.is_binding(model.compose({model.NAME: b"shop", model.ACCOUNT: b"11112222"}))


BAD = [
    (model.NAME, b"\xff\xfe"),
    (model.NAME, b""),
    (model.NAME, b"shop\n2"),
    (model.NAME, b"shop\xc2\x85"),
    (model.NAME, b"\xed\xa0\x80"),
    (model.NAME, b"x" * 121),
    (model.ACCOUNT, b"\xff" * 16),
    (model.ACCOUNT, b"1234567"),
    (model.ACCOUNT, b"1" * 33),
    (model.CNAPS, b"1" * 11),
    (model.CNAPS, b"12345678901x"),
    (model.BANK, b"x" * 91),
    (model.BANK, b"\xe4\xb8"),
    (model.KIND, b"\x03"),
    (model.KIND, b""),
    (model.LICENCE, b"1" * 17),
    (model.LICENCE, b"\xff" * 18),
]


@pytest.mark.parametrize("tag, value", BAD)
def test_a_value_out_of_the_table_is_not_taken(tag, value):
    assert not checked.is_binding(composed(sorted({**LONGEST, tag: value}.items())))


@pytest.mark.parametrize(
    "tag, value",
    [
        (model.PAN, b"1" * 12),
        (model.PAN, b"\xff" * 16),
        (model.EXPIRY, b"3013"),
        (model.EXPIRY, b"30x2"),
        (model.CNAPS, b"2" * 12),  # of an account
        (model.KIND, b"\x01"),
    ],
)
def test_neither_is_one_of_a_card(tag, value):
    assert not checked.is_binding(composed(sorted({**CARD, tag: value}.items())))


def test_tags_are_known_ascending_and_make_one_account_or_one_card():
    good = sorted(LONGEST.items())
    assert not checked.is_binding(composed(reversed(good)))
    assert not checked.is_binding(composed([good[0], *good]))
    assert not checked.is_binding(composed([*good, (0xDF38, b"123")]))
    assert not checked.is_binding(composed([*good, (model.PAN, b"6222020200112233445")]))
    assert not checked.is_binding(composed([(model.NAME, b"shop")]))
    assert not checked.is_binding(composed([(model.ACCOUNT, b"11112222")]))
    assert not checked.is_binding(composed(good)[:-1])
    assert not checked.is_binding(b"\xdf\x30")
    assert not checked.is_binding(b"")


def test_any_bytes_become_words_that_can_be_shown():
    assert legible("账户 A".encode()) == "账户 A"
    assert legible(b"a\xff\xfe\x00b\n") == "a b "
    assert legible("长长".encode(), 5) == "长"
    assert legible(bytes(range(256)) * 3, 100).isprintable()
    for data in (b"\xe4\xb8", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xed\xa0\x80"):
        assert legible(data) == ""
    assert clean("长".encode(), 3) and not clean("长".encode(), 2)


@pytest.mark.parametrize("digits", [b"\xff" * 16, b"", b"12", b"\n" * 20])
def test_no_number_is_too_odd_to_be_shown(digits):
    assert model.masked(model.compose({model.ACCOUNT: digits})).isascii()
