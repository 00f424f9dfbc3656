"""The quick form of `make crash`: each operation cut at its edges, each network event once."""

import json
import sys
from dataclasses import replace

import pytest

from firmware.binding import change
from host_tests.crash import scenarios, sweep, world
from host_tests.crash.__main__ import main
from host_tests.crash.bodies import CPython, MicroPython
from host_tests.crash.explorer import Explorer, only
from host_tests.crash.world import MemoryBooks, World

OFTEN = "merchant renumbered"  # the shortest


@pytest.fixture(params=scenarios.SCENARIOS)
def explorer(request):
    """An explorer of each scenario under CPython."""
    found = Explorer(request.param, CPython())
    yield found
    found.close()


@pytest.fixture(scope="module")
def micropython():
    """A MicroPython that lives many lives."""
    body = MicroPython()
    yield body
    body.close()


def test_terminal_and_acquirer_agree_after_a_cut_at_every_operation(explorer):
    assert explorer.disagreements(()) == []
    assert explorer.ends["as uncut"] == 1  # where nothing fails
    faults = explorer.singles(quick=True)
    assert [found.line for fault in faults for found in explorer.disagreements(fault)] == []
    assert len(faults) > 40


def test_they_agree_on_the_device_s_interpreter_too(micropython, record_property):
    record_property("interpreter", "micropython")
    explorer = Explorer(scenarios.MAIN, micropython)
    faults = [(), *explorer.singles(quick=True)]
    assert [found.line for fault in faults for found in explorer.disagreements(fault)] == []
    assert explorer.ends["as uncut"] and explorer.ends["otherwise"]


def test_both_interpreters_come_to_the_same_points(micropython):
    for name in (scenarios.MAIN, "lock-out", "first start"):
        here, there = Explorer(name, CPython()), Explorer(name, micropython)
        # The state is written in another order: which bytes change a cell differs.
        assert _operations(here) == _operations(there)


def _operations(explorer):
    return [(point.kind, point.label) for point in explorer.first.points if not point.part]


def test_the_errand_turns_over_a_sector_in_its_middle():
    explorer = Explorer(scenarios.MAIN, CPython())
    kinds = [point.kind for point in explorer.first.points]
    assert 0 < kinds.index("erase") < len(kinds) - 1 - kinds[::-1].index("program")
    assert len(kinds) > 500


def test_an_update_begins_with_old_sectors_alone_and_is_cut_while_they_give_way():
    explorer = Explorer("updated", CPython())
    start, blocks = scenarios.begin("updated").flash, range(0, 6 * world.SECTOR, world.SECTOR)
    assert {start[at : at + 4] for at in blocks} == {b"RBJ\2"}
    labels = [point.label for point in explorer.first.points]
    begun = next(i for i, label in enumerate(labels) if "at 0: 0 of 32 bytes" in label)
    assert any("erase" in label for label in labels[:begun])
    assert any("programmed" in label for label in labels[begun + 32 :])


def test_a_second_cut_in_the_recovery_changes_nothing():
    explorer = Explorer(scenarios.MAIN, CPython())
    labels = [point.label for point in explorer.first.points]
    lost = labels.index("0300 processed")
    pairs = explorer.pairs((lost,))
    assert len(pairs) > 40
    assert [found.line for pair in pairs for found in explorer.disagreements(pair)] == []


def test_days_of_review_with_power_on_pass_in_a_moment():
    scenario = scenarios.SCENARIOS["reviewed"]
    scenario = replace(
        scenario,
        policy=replace(scenario.policy, decide_s=3 * 86400),
        plan={**scenario.plan, "patience_s": 4 * 86400},
    )
    books = MemoryBooks()
    there = scenarios.lived(books, scenario, scenarios.begin("reviewed"))
    assert there.now_ms() - scenarios.begin("reviewed").now_ms > 3 * 86400 * 1000
    assert there.facts["settled"]["phase"] == change.IDLE
    assert books.tokens(there.terminal())[1].hex().upper() == world.token(scenarios.NEW)


def test_the_same_sweep_gives_the_same_report_twice():
    reports = [sweep.run([OFTEN], quick=True, processes=1) for _ in range(2)]
    assert reports[0] == reports[1]
    assert reports[0]["disagreements"] == 0
    assert reports[0]["points"] == sum(reports[0]["scenarios"][OFTEN]["points"].values())
    json.dumps(reports[0])


def test_sampled_double_faults_depend_on_the_seed_alone():
    drawn = [sweep.explore(sweep.Unit(OFTEN, "CPython", "sampled", (), seed, 8)) for seed in "112"]
    sweep.close()
    assert drawn[0].faults == drawn[1].faults != drawn[2].faults
    assert not any(result.disagreements for result in drawn)


def test_a_disagreement_names_the_fault_that_tells_its_story(monkeypatch):
    kept = World.commit
    monkeypatch.setattr(World, "commit", lambda self, name, value: None)  # an NVS that forgets
    explorer = Explorer(scenarios.MAIN, CPython())
    found = next(
        found for fault in explorer.singles(quick=True) for found in explorer.disagreements(fault)
    )
    assert found.line.startswith(only(scenarios.MAIN, found.fault))
    story = explorer.story(found.fault)
    assert f"WRONG {found.rule}" in story
    monkeypatch.setattr(World, "commit", kept)
    assert "all rules hold" in explorer.story(())


def test_the_command_prints_a_table_and_fails_when_a_rule_does_not_hold(
    monkeypatch, capsys, tmp_path
):
    arguments = ["--quick", "--processes", "1", "--interpreter", "CPython", "--scenario", OFTEN]
    monkeypatch.setattr(sys, "argv", ["crash", *arguments])
    monkeypatch.setattr(sweep, "REPORT", tmp_path / "crash.json")
    assert main() == 0
    assert "0 disagreements" in capsys.readouterr().out
    monkeypatch.setattr(World, "commit", lambda self, name, value: None)  # an NVS that forgets
    assert main() == 1
    report = json.loads((tmp_path / "crash.json").read_text(encoding="utf-8"))
    assert report["disagreements"] > 0
    assert report["scenarios"][OFTEN]["disagreements"][0] in capsys.readouterr().out
