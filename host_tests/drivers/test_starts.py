"""Starts are counted in RTC memory: over resets, not over power, and never from noise."""

import gc
import random
import runpy

import machine
import pytest

from drivers import starts
from host_tests.conftest import ROOT


@pytest.fixture(autouse=True)
def board(monkeypatch, tmp_path):
    machine.power_on()
    monkeypatch.setattr(machine, "cause", machine.HARD_RESET)
    monkeypatch.setattr(gc, "threshold", lambda amount: None, raising=False)  # MicroPython's
    monkeypatch.setattr("sys.print_exception", lambda fault: None, raising=False)
    monkeypatch.chdir(tmp_path)  # where there is no build to check


def count():
    """Start; return what boot.py counts."""
    return runpy.run_path(str(ROOT / "boot.py"))["starts"]


def test_resets_and_the_watchdogs_are_counted(monkeypatch):
    assert count() == 1
    monkeypatch.setattr(machine, "cause", machine.WDT_RESET)
    assert [count() for _ in range(3)] == [2, 3, 4]


@pytest.mark.parametrize("cause", [machine.PWRON_RESET, machine.SOFT_RESET])
def test_a_start_by_hand_begins_afresh(monkeypatch, cause):
    count()
    starts.run("pending")
    count()
    monkeypatch.setattr(machine, "cause", cause)
    assert count() == 1
    assert starts.last() == ""


def test_noise_counts_for_nothing():
    draw = random.Random(12)
    for _ in range(500):
        machine.RTC.held = draw.randbytes(draw.randrange(40))
        assert count() == 1


def test_a_flipped_bit_counts_for_nothing():
    starts.run("pending")
    held = machine.RTC.held
    for bit in range(8 * len(held)):
        spoilt = bytearray(held)
        spoilt[bit >> 3] ^= 1 << (bit & 7)
        machine.RTC.held = bytes(spoilt)
        assert count() == 1
        assert starts.last() == ""


def test_a_failed_errand_starts_the_terminal_again_once():
    count()
    assert starts.run("pending")
    count()
    assert starts.last() == "pending"
    assert not starts.run("pending")


def test_after_ten_minutes_it_may_start_again_and_still_only_once():
    count()
    starts.run("pending")
    count()
    machine.RTC().memory(b"")  # what Parts.settled does
    assert starts.run("pending")
    count()
    assert not starts.run("pending")


def test_the_count_does_not_run_over():
    for _ in range(300):
        count()
    assert count() == 255
