"""The clock on both epochs, against the standard library's calendar."""

import calendar
import datetime
import time

import machine
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import clock

FLOOR = 1735689600


@pytest.fixture(params=[0, 946684800], ids=["from 1970", "from 2000"])
def chip(request, monkeypatch):
    """A chip that lost the time, and lets it be set through its RTC only."""
    base = request.param
    state = {"now": base}
    plain = time.gmtime

    def set_datetime(self, now):
        state["now"] = calendar.timegm((*now[:3], *now[4:7]))

    monkeypatch.setattr(time, "time", lambda: state["now"] - base)
    monkeypatch.setattr(time, "gmtime", lambda seconds: plain(seconds + base))
    monkeypatch.setattr(machine.RTC, "datetime", set_datetime)
    return state


def test_a_clock_that_lost_the_time_starts_at_the_floor(chip):
    fresh = clock.Clock(1764000000)
    assert fresh.now() == chip["now"] == 1764000000
    assert not fresh.trusted
    assert clock.Clock().now() == 1764000000


def test_the_build_date_is_the_least_floor(chip):
    assert clock.Clock(5).now() == chip["now"] == FLOOR


def test_host_time_is_taken_and_runs_on(chip):
    fresh = clock.Clock()
    fresh.set(1800000000)
    chip["now"] += 90
    assert fresh.now() == 1800000090
    assert fresh.trusted


def test_host_time_below_the_floor_is_not_believed(chip):
    fresh = clock.Clock(1764000000)
    fresh.set(1763999999)
    assert fresh.now() == 1764000000
    assert not fresh.trusted


def test_a_time_that_would_end_every_certificate_is_not_taken(chip):
    fresh = clock.Clock(1764000000, 1800000000)
    fresh.set(1800000001)
    assert fresh.now() == 1764000000
    assert not fresh.trusted
    fresh.set(1799999999)
    assert fresh.now() == 1799999999
    assert fresh.trusted


def test_the_last_time_known_puts_a_slow_clock_forward(chip):
    fresh = clock.Clock()
    fresh.begin_at(1770000000)
    assert fresh.now() == chip["now"] == 1770000000
    fresh.begin_at(1760000000)
    assert fresh.now() == 1770000000


def test_the_acquirer_sets_a_clock_back_but_never_below_its_floor(chip):
    fresh = clock.Clock(1764000000)
    fresh.begin_at(1790000000)
    fresh.set(1770000000)
    assert fresh.now() == 1770000000
    fresh.set(1763999999)
    assert fresh.now() == 1770000000


def test_an_rtc_that_does_not_rule_the_time_is_made_up_for(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1780000000.7)
    fresh = clock.Clock()
    fresh.set(1790000000)
    assert fresh.now() == 1790000000
    assert machine.RTC.now == (2026, 9, 21, 0, 14, 13, 20, 0)


@given(epoch=st.integers(0, 4102444799))
def test_civil_dates_agree_with_the_standard_library(epoch):
    out = [0] * 6
    clock.Clock().civil(epoch, out)
    there = datetime.datetime.fromtimestamp(epoch, datetime.UTC)
    assert tuple(out) == (
        there.year,
        there.month,
        there.day,
        there.hour,
        there.minute,
        there.second,
    )
