"""What a new password must not be: whatever people make up, it is found; nothing else is."""

import datetime
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.access import policy

PAD = {(row, column): "123456789 0 "[3 * row + column] for row in range(4) for column in range(3)}
LINES = sorted(
    {
        "".join(PAD[row + down * i, column + right * i] for i in range(length))
        for row, column in PAD
        for down, right in ((0, 1), (1, 0), (1, 1), (1, -1), (0, -1), (-1, 0), (-1, -1), (-1, 1))
        for length in (3, 4)
        if all((row + down * i, column + right * i) in PAD for i in range(length))
        and " " not in "".join(PAD[row + down * i, column + right * i] for i in range(length))
    }
)


def digits(low, high):
    return st.text("0123456789", min_size=low, max_size=high)


def check(password):
    typed = bytearray(password.encode())
    reason = policy.check(typed)
    assert typed == password.encode()
    return reason


def within(middle):
    """Return it, with digits before and behind it, 6 to 16 in all."""
    return st.builds(
        lambda before, inside, behind: (before + inside + behind)[:16],
        *(digits(0, 4), middle, digits(0, 4)),
    ).filter(lambda password: len(password) >= 6)


@pytest.mark.parametrize("written", ["%Y%m%d", "%d%m%Y", "%y%m%d"])
@given(data=st.data())
def test_no_date_is_taken_wherever_it_stands(written, data):
    days = st.dates(datetime.date(1900, 1, 1), datetime.date(2099, 12, 31))
    assert check(data.draw(within(days.map(lambda day: day.strftime(written)))))


@given(st.integers(6, 16).flatmap(lambda n: st.tuples(st.just(n), digits(1, n // 2))))
def test_no_block_is_taken_twice_or_more_the_last_one_cut_short(drawn):
    length, block = drawn
    assert check((block * length)[:length])


@given(
    within(
        st.builds(
            lambda at, run: run[at : at + 5],
            st.integers(0, 14),
            st.sampled_from(["0123456789" * 2, "9876543210" * 2, "7" * 20]),
        )
    )
)
def test_no_run_is_taken_around_nine_and_nought_either(password):
    assert check(password)


@given(digits(3, 8), st.sampled_from([0, 1]))
def test_no_mirrored_halves_are_taken(half, odd):
    assert check((half + half[::-1][odd:]).ljust(6, half[0])) or len(half) == 3


@given(st.lists(st.sampled_from(LINES), min_size=2, max_size=5), st.integers(0, 2))
def test_no_lines_of_the_keypad_are_taken_one_behind_the_other(lines, cut):
    password = "".join(lines)[:16]
    assert check(password[: max(6, len(password) - cut)])


@given(st.text("38", min_size=6, max_size=16))
def test_two_digits_make_no_password(password):
    assert check(password)


@given(digits(6, 16))
def test_each_is_refused_for_a_reason_that_is_true_and_nothing_else_is(password):
    reason = check(password)
    assert true(password)[reason]
    assert not reason or reason == min(
        (each for each in true(password) if each and true(password)[each]), key=ORDER.index
    )


ORDER = (policy.FEW, policy.RUN, policy.REPEATED, policy.MIRRORED, policy.LINES, policy.DATE)


def true(password):
    """Return {reason: whether it is true of the password}, told another way; 0: that none is."""
    steps = [(int(b) - int(a)) % 10 for a, b in pairwise(password)]
    found = {
        policy.FEW: len(set(password)) < 3,
        policy.RUN: any(steps[at : at + 4] in ([0] * 4, [1] * 4, [9] * 4) for at in range(12)),
        policy.REPEATED: any(
            (password[:size] * 16)[: len(password)] == password
            for size in range(1, len(password) // 2 + 1)
        ),
        policy.MIRRORED: password == password[::-1],
        policy.LINES: lines(password),
        policy.DATE: any(
            dated(password[at : at + size], written)
            for size, written in ((6, "00%y%m%d"), (8, "%d%m%Y"))
            for at in range(len(password) - size + 1)
        ),
    }
    return {**found, 0: not any(found.values())}


def lines(password):
    return len(password) <= 2 or any(
        password.startswith(line) and lines(password[len(line) :]) for line in LINES
    )


def dated(text, written):
    if written.startswith("00"):
        text, written = "20" + text, "%Y%m%d"
        text = "2000" + text[4:]  # a 29 February is one in some year
    elif text[4:6] not in ("19", "20"):
        return False
    else:
        text = text[:4] + "2000"
    try:
        datetime.datetime.strptime(text, written)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("12345678", policy.RUN),
        ("87654321", policy.RUN),
        ("78901234", policy.RUN),
        ("00000000", policy.FEW),
        ("12121212", policy.FEW),
        ("11122211", policy.FEW),
        ("38403840", policy.REPEATED),
        ("38438438", policy.REPEATED),
        ("38400483", policy.MIRRORED),
        ("14725836", policy.LINES),
        ("25801593", policy.LINES),
        ("35715962", policy.LINES),
        ("20261124", policy.DATE),
        ("24112026", policy.DATE),
        ("50261124", policy.DATE),
        ("85203916", 0),
        ("71828182", 0),
        ("604173", 0),
    ],
)
def test_each_kind_has_its_own_reason(password, reason):
    assert check(password) == reason


def test_who_approves_has_eight_digits_and_who_enters_six():
    assert [policy.least(number) for number in (b"00", b"99", b"01", b"98")] == [8, 8, 6, 6]


def test_most_of_what_is_drawn_is_taken():
    drawn = random.Random(7)
    refused = sum(bool(check(f"{drawn.randrange(10**8):08d}")) for _ in range(2000))
    assert refused < 2000 * 0.15
