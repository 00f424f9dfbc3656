"""What may be a merchant's account is decided before anything is sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc

from firmware.binding import rules


@pytest.mark.parametrize("code", [b"102100099996", b"313651027012", b"308584000013"])
def test_real_cnaps_numbers_hold(code):
    assert rules.cnaps(code) == rules.OK


@given(st.sampled_from([b"102100099996", b"313651027012"]), st.integers(0, 11), st.integers(1, 9))
def test_any_single_wrong_digit_of_a_cnaps_number_is_found(code, at, shift):
    wrong = bytearray(code)
    wrong[at] = 0x30 + (wrong[at] - 0x30 + shift) % 10
    assert rules.cnaps(wrong) == rules.CNAPS_CHECK


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=17, max_size=17))
def test_licences_are_judged_as_the_standard_library_of_numbers_does(body):
    for last in "0123456789ABCDEFGHJKLMNPQRTUWXY":
        ours = rules.licence((body + last).encode()) == rules.OK
        assert ours == (uscc.calc_check_digit(body) == last)


@pytest.mark.parametrize("code", [b"91350100M000100Y43", b"91110000802100433B"])
def test_real_licences_hold(code):
    assert rules.licence(code) == rules.OK


@given(st.binary(max_size=40))
def test_no_bytes_make_a_rule_fail(buf):
    for rule in (rules.account, rules.cnaps, rules.card, rules.licence):
        assert rule(buf) in range(20)
    assert rules.expiry(buf, 2026, 11) in range(20)


def test_names_are_the_merchants_own_and_short_enough():
    own = ["上海示例商贸有限公司".encode()]
    assert rules.name(own[0], own) == rules.OK
    assert rules.name(b"", own) == rules.NAME_EMPTY
    assert rules.name("张三".encode(), own) == rules.NAME_NOT_REGISTERED
    assert rules.name("长".encode() * 41, own) == rules.NAME_TOO_LONG


def test_account_numbers_have_no_check_digit_but_a_length():
    assert rules.account(b"12345678") == rules.OK
    assert rules.account(b"1" * 33) == rules.account(b"1234567") == rules.ACCOUNT_LENGTH
    assert rules.account(b"1234567x") == rules.ACCOUNT_NOT_DIGITS


def test_a_card_is_good_to_the_end_of_its_month():
    assert rules.expiry(b"2611", 2026, 11) == rules.OK
    assert rules.expiry(b"2610", 2026, 11) == rules.CARD_EXPIRED
    assert rules.expiry(b"2613", 2026, 11) == rules.EXPIRY_INVALID
