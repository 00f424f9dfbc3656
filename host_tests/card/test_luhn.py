"""The check digit against python-stdnum and at the edges."""

from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn as reference

from firmware.card.luhn import valid
from host_tests.guarded import Guarded


@given(st.text("0123456789", min_size=1, max_size=24), st.integers(0, 3))
def test_agrees_with_stdnum(number, off):
    buf = Guarded(b"x" * off + number.encode() + b"7", off, off + len(number))
    assert valid(buf, off, len(number)) == reference.is_valid(number)
    whole = (number + reference.calc_check_digit(number)).encode()
    assert valid(whole, 0, len(whole)) == 1


@given(st.binary(max_size=24))
def test_only_digits_count(data):
    digits = all(48 <= byte <= 57 for byte in data) and data
    assert valid(Guarded(data), 0, len(data)) == bool(digits and reference.is_valid(data.decode()))
