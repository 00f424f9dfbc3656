"""Wear and mounting: the quick form holds the same bars, and a bar that is missed is told."""

import json

import pytest

from tools.bench import interpreter, mount, report, wear
from tools.simulator.interpreter import NoInterpreter, command


@pytest.fixture
def inside(record_property):
    try:
        command()
    except NoInterpreter as missing:
        pytest.skip(str(missing))
    record_property("interpreter", "micropython")


def stores(ours, littlefs, updates=1000):
    """Return results as the part inside MicroPython gives them, from erases of each sector."""
    counted = {"updates": updates, "programmed_bytes": 200 * updates}
    return {
        "ours": {**counted, "erases": ours, "audit_kept": 500, "state_bytes": 300},
        "littlefs": {
            **counted,
            "erases": littlefs,
            "parts": {"state": sum(littlefs), "audit": 0, "counter": 0},
        },
        "whole_change": {
            "changes": 100,
            "erases": ours,
            "programmed_bytes": 60_000,
            "state_bytes": 700,
            "erases_of_updates": 6,
        },
    }


def test_updates_wear_the_flash_as_little_as_promised_and_the_plot_is_drawn(
    inside, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(report, "REPORTS", tmp_path)
    assert wear.main(["--quick"]) == 0, capsys.readouterr().out
    found = json.loads((tmp_path / "wear.json").read_text())
    for store in ("ours", "littlefs"):
        assert {"erases_per_update", "max_over_mean", "bytes_per_update"} <= found[store].keys()
    assert found["updates"] == 500
    assert found["ours"]["erases_per_update"] <= 0.05
    assert found["ours"]["max_over_mean"] <= 1.2
    rewriting = found["littlefs"]["erases_per_update_of"]["state"]
    assert rewriting >= 20 * found["ours"]["erases_per_update"]
    assert (tmp_path / "wear.png").read_bytes().startswith(b"\x89PNG")


def test_a_mount_reads_a_header_of_each_sector_and_one_sector_of_records(inside, tmp_path):
    found = mount.measure((2, 4, 6))
    assert mount.missed(found) == []
    two, four, six = found["mounts"]
    assert four["reads"] - two["reads"] <= 2 + 16  # the newest sectors are not filled alike
    assert six["reads"] <= six["sectors"] + mount.most_reads(0)
    assert found["largest_state"]["state_bytes"] > 4800
    mount.plot(found, tmp_path / "mount.png")
    assert (tmp_path / "mount.png").read_bytes().startswith(b"\x89PNG")


def test_a_part_that_fails_says_why(inside):
    with pytest.raises(interpreter.Failed, match="ValueError"):
        list(interpreter.run("wear", "many", 4, 1))


@pytest.mark.parametrize(
    ("ours", "littlefs", "line"),
    [
        ([20, 20], [1500, 1500], None),
        ([26, 26], [1500, 1500], "more than 0.05 erases per update"),
        ([16, 30], [1500, 1500], "max/mean above 1.2"),
        ([20, 20], [390, 400], "not 20 times fewer erases than littlefs rewriting the state"),
    ],
)
def test_a_bar_that_is_missed_is_told(ours, littlefs, line):
    assert wear.missed(wear.report(stores(ours, littlefs))) == ([] if line is None else [line])


def test_a_missed_bar_is_the_exit_status(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(report, "REPORTS", tmp_path)
    said = [
        {"result": name, "facts": facts} for name, facts in stores([26, 26], [1500, 1500]).items()
    ]
    monkeypatch.setattr(wear, "run", lambda *words: said)
    assert wear.main([]) == 1
    assert "missed: more than 0.05 erases per update" in capsys.readouterr().out


def test_the_flash_is_at_its_end_when_its_most_erased_sector_is():
    even = wear.years(64, 0.05, 1.0)
    assert even == pytest.approx(100_000 * 64 / (0.05 * 100 * 365))
    assert wear.years(64, 0.05, 2.0) == pytest.approx(even / 2)


@pytest.mark.parametrize(
    "change",
    [{"reads": 1000}, {"memory_after": 1600}, {"memory_most": 7000}],
)
def test_a_mount_that_takes_more_than_it_may_is_told(change):
    good = {"sectors": 64, "reads": 160, "state_bytes": 300}
    good.update(memory_most=1500, memory_after=700)
    assert mount.missed({"mounts": [good], "largest_state": good}) == []
    assert len(mount.missed({"mounts": [good, {**good, **change}], "largest_state": good})) == 1
