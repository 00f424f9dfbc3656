"""Starts are counted in RTC memory: over resets, not over power, and never from noise."""

import random

import machine
import pytest

from drivers import starts


@pytest.fixture(autouse=True)
def board(monkeypatch):
    machine.power_on()
    monkeypatch.setattr(machine, "cause", machine.HARD_RESET)


def test_resets_and_the_watchdogs_are_counted(monkeypatch):
    assert starts.count() == 1
    monkeypatch.setattr(machine, "cause", machine.WDT_RESET)
    assert [starts.count() for _ in range(3)] == [2, 3, 4]


@pytest.mark.parametrize("cause", [machine.PWRON_RESET, machine.SOFT_RESET])
def test_a_start_by_hand_begins_afresh(monkeypatch, cause):
    starts.count()
    starts.run("pending")
    starts.count()
    monkeypatch.setattr(machine, "cause", cause)
    assert starts.count() == 1
    assert starts.last() == ""


def test_noise_counts_for_nothing():
    draw = random.Random(12)
    for _ in range(2000):
        machine.RTC.held = draw.randbytes(draw.randrange(40))
        assert starts.count() == 1


def test_a_flipped_bit_counts_for_nothing():
    starts.run("pending")
    held = machine.RTC.held
    for bit in range(8 * len(held)):
        spoilt = bytearray(held)
        spoilt[bit >> 3] ^= 1 << (bit & 7)
        machine.RTC.held = bytes(spoilt)
        assert starts.count() == 1
        assert starts.last() == ""


def test_a_failed_errand_starts_the_terminal_again_once():
    starts.count()
    assert starts.run("pending")
    starts.count()
    assert starts.last() == "pending"
    assert not starts.run("pending")


def test_after_ten_minutes_it_may_start_again_and_still_only_once():
    starts.count()
    starts.run("pending")
    starts.count()
    machine.RTC().memory(b"")  # what Parts.settled does
    assert starts.run("pending")
    starts.count()
    assert not starts.run("pending")


def test_the_count_does_not_run_over():
    for _ in range(300):
        starts.count()
    assert starts.count() == 255
