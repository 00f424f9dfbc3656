"""`make prove` runs every sweep, says what each took of what it may, and what went wrong."""

import importlib.util
from types import SimpleNamespace

import pytest

from host_tests import prove


@pytest.fixture
def proven(capsys):
    """Give `proven(seconds, status)`: exit status and lines, when each sweep takes and ends so."""

    def run(seconds, status=0, quick=False):
        now, typed = [0.0], []

        def sweep(command, cwd):
            typed.append(command[1:])
            now[0] += seconds
            return SimpleNamespace(returncode=status)

        result = prove.prove(quick, run=sweep, clock=lambda: now[0])
        assert len(typed) == len(prove.SWEEPS)
        assert all(("--quick" in command) == quick for command in typed)
        return result, capsys.readouterr().out.splitlines()

    return run


@pytest.mark.parametrize("suite", prove.SWEEPS)
def test_each_sweep_is_a_program(suite):
    _, _, module, *_ = prove.command(suite, quick=True)
    assert importlib.util.find_spec(f"{module}.__main__") or importlib.util.find_spec(module)


@pytest.mark.parametrize("quick", [False, True])
def test_a_sweep_in_its_time_says_how_much_of_it_it_took(proven, quick):
    status, lines = proven(1, quick=quick)
    assert status == 0
    assert [line.split(":")[0] for line in lines] == list(prove.SWEEPS)
    for line, suite in zip(lines, prove.SWEEPS, strict=True):
        assert line == f"{suite}: 1 s of {prove.BUDGETS_S[suite][quick]} s"


def test_a_sweep_over_its_time_is_marked_and_far_beyond_it_fails(proven):
    longest = max(budget_s for budget_s, _ in prove.BUDGETS_S.values())
    status, lines = proven(longest + 1)
    assert status == 0
    assert all(line.endswith("OVER BUDGET") for line in lines)
    status, lines = proven(4 * longest)
    assert status == 1
    assert all(line.endswith("OVER BUDGET") for line in lines)


def test_a_sweep_that_finds_something_fails(proven):
    status, lines = proven(1, status=1)
    assert status == 1
    assert all(line.endswith("FAILED") for line in lines)
