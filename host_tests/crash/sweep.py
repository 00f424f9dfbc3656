"""The whole sweep: every scenario's single faults on both interpreters, double faults, the report.

Work is cut into units of a few seconds that processes take in turn; what comes out does not depend
on who took which. May import explorer, scenarios, bodies.
"""

import json
import multiprocessing
import os
import random
from collections import Counter
from dataclasses import dataclass, field

from host_tests.crash import ROOT, scenarios
from host_tests.crash.bodies import CPython, MicroPython
from host_tests.crash.explorer import Explorer

REPORT = ROOT / "build" / "reports" / "crash.json"
SEED = 1
KINDS = ("program", "erase", "nvs", "power", "link")  # of points, see world.Point
BODIES = {body.name: body for body in (CPython, MicroPython)}
_SAMPLES = 200  # double faults of every scenario but the main one
_UNIT = 40

_explorers = {}
_bodies = {}


@dataclass(frozen=True)
class Unit:
    """Some faults of one scenario: singles, all pairs after some singles, or sampled pairs."""

    scenario: str
    interpreter: str
    kind: str  # single, pairs, sampled
    faults: tuple = ()
    seed: str = ""
    count: int = 0


@dataclass
class Result:
    """What was cut in a unit, and what came of it."""

    unit: Unit
    faults: tuple = ()
    ends: Counter = field(default_factory=Counter)
    disagreements: list = field(default_factory=list)


def explorer(scenario, interpreter):
    """This process's explorer of a scenario (by name) on an interpreter (by name)."""
    key = scenario, interpreter
    if key not in _explorers:
        if interpreter not in _bodies:
            _bodies[interpreter] = BODIES[interpreter]()
        _explorers[key] = Explorer(scenario, _bodies[interpreter])
    return _explorers[key]


def close():
    """End this process's explorers and interpreters."""
    for one in (*_explorers.values(), *_bodies.values()):
        one.close()
    _explorers.clear()
    _bodies.clear()


def explore(unit):
    """Go through the faults of a unit. Returns its Result."""
    result, one = Result(unit), explorer(unit.scenario, unit.interpreter)
    one.ends.clear()
    draw = random.Random(unit.seed)
    faults = unit.faults
    if unit.kind == "pairs":
        faults = [pair for fault in unit.faults for pair in one.pairs(fault)]
    elif unit.kind == "sampled":
        drawn = (one.sampled_pair(draw) for _ in range(unit.count))
        faults = sorted({fault for fault in drawn if fault})
    for fault in faults:
        result.disagreements += one.disagreements(fault)
    result.faults = tuple(faults)
    result.ends = +one.ends
    return result


def units(names, quick, seed, interpreters):
    """All units of work; quick: single faults at edges, the main scenario on both interpreters."""
    work = []
    for name in names:
        both = not quick or name == scenarios.MAIN
        for interpreter in interpreters if both else interpreters[:1]:
            faults = [(), *explorer(name, interpreter).singles(quick)]
            work += [
                Unit(name, interpreter, "single", tuple(faults[at : at + _UNIT]))
                for at in range(0, len(faults), _UNIT)
            ]
        if quick:
            continue
        if name == scenarios.MAIN:
            edges = explorer(name, CPython.name).singles(quick=True)
            work += [Unit(name, CPython.name, "pairs", (fault,)) for fault in edges]
        else:
            work += [
                Unit(name, CPython.name, "sampled", (), f"{seed} {name} {at}", _UNIT)
                for at in range(0, _SAMPLES, _UNIT)
            ]
    return work


def run(names, quick=False, seed=SEED, interpreters=tuple(BODIES), processes=None, told=None):
    """Explore these scenarios. Returns the report; `told(done, units)` after each unit."""
    processes = processes or os.cpu_count() or 1
    work = units(names, quick, seed, interpreters)
    points = {name: explorer(name, interpreters[0]).kinds() for name in names}
    results = []
    if processes == 1:
        for unit in work:
            results.append(explore(unit))
            if told:
                told(len(results), len(work))
    else:
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            for result in pool.imap_unordered(explore, work):
                results.append(result)
                if told:
                    told(len(results), len(work))
            pool.close()
            pool.join()
    close()
    return _report(names, seed, points, results)


def _report(names, seed, points, results):
    shown = {}
    for name in names:
        mine = [result for result in results if result.unit.scenario == name]
        ends = sum((result.ends for result in mine), Counter())
        lines = sorted({found.line for result in mine for found in result.disagreements})
        shown[name] = {
            "points": points[name],
            "single_faults": {
                interpreter: _done(mine, ("single",), interpreter) for interpreter in BODIES
            },
            "double_faults": _done(mine, ("pairs", "sampled")),
            "ends": dict(sorted(ends.items())),
            "disagreements": lines,
        }
    return {
        "seed": seed,
        "points": sum(sum(points[name].values()) for name in names),
        "single_faults": _done(results, ("single",)),
        "double_faults": _done(results, ("pairs", "sampled")),
        "disagreements": sum(len(one["disagreements"]) for one in shown.values()),
        "scenarios": shown,
    }


def _done(results, kinds, interpreter=None):
    return sum(
        len(result.faults)
        for result in results
        if result.unit.kind in kinds and interpreter in (None, result.unit.interpreter)
    )


def save(report):
    """Write the report."""
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
