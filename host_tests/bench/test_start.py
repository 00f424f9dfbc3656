"""What a start costs is counted in instructions, the same each time; it is not counted twice."""

import shutil

import pytest

from tools.bench import instructions, start
from tools.simulator import interpreter, workplace


@pytest.fixture
def device(record_property):
    try:
        interpreter.command()
    except interpreter.NoInterpreter as missing:
        pytest.skip(str(missing))
    return workplace.device_root()


def test_a_start_costs_the_same_each_time(device, record_property):
    if shutil.which("valgrind") is None or interpreter.other_memory():
        pytest.skip("no valgrind, or a MicroPython that it can't count")
    record_property("interpreter", "micropython")
    first, second = start.count(device), start.count(device)
    assert first > 10_000_000
    assert abs(first - second) < first / 100


def test_a_device_that_was_counted_is_not_counted_again(tmp_path, monkeypatch):
    (tmp_path / "main.py").write_text("one")
    counts = iter((5, 6))
    monkeypatch.setattr(start, "count", lambda device: next(counts))
    first = start.entry(tmp_path, None)
    assert first["instructions"] == 5
    assert start.entry(tmp_path, first) == first
    (tmp_path / "main.py").write_text("two")
    assert start.entry(tmp_path, first)["instructions"] == 6


def test_without_valgrind_there_is_no_number_and_the_entry_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(instructions.shutil, "which", lambda name: None)
    found = start.entry(tmp_path, None)
    assert found["instructions"] is None
    assert "valgrind" in found["why"]
    monkeypatch.setattr(start, "count", lambda device: 7)
    assert start.entry(tmp_path, found)["instructions"] == 7
