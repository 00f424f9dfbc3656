"""The whole sweep: where memory ends under CPython and under MicroPython, and the report.

Work is cut into units of some seconds that processes take in turn; what comes out does not depend
on who took which. May import ending.
"""

import json
import multiprocessing
import os
import random
from collections import namedtuple

from host_tests.crash import ROOT
from host_tests.memory import ending

REPORT = ROOT / "build" / "reports" / "memory.json"
SEED = 1
KINDS = ("disagreements", "restarts", "silent")
_SAMPLES = 100  # calls of each story but the main ones
_QUICK = 5
_QUICK_MAIN = 60
_UNIT = 50

_sweeps = {}

Unit = namedtuple("Unit", "story points")
Result = namedtuple("Result", "unit found")


def of(story):
    """This process's Sweep of a story (by name)."""
    if story not in _sweeps:
        _sweeps[story] = ending.Sweep(story)
    return _sweeps[story]


def close():
    """End this process's sweeps."""
    for one in _sweeps.values():
        one.close()
    _sweeps.clear()


def chosen(story, quick, seed):
    """Return the calls of a story at which memory is to end: each of the terminal's own work, the
    edges of each way to a call at the counter, and of the other stories a sample.
    """
    sweep = of(story)
    draw = random.Random(f"{seed} {story}")
    if story not in ending.MAIN:
        count = _QUICK if quick else _SAMPLES
    elif quick:
        count = _QUICK_MAIN
    else:
        return range(sweep.points) if story == ending.MAIN[0] else sweep.edges()
    return sorted(draw.sample(range(sweep.points), count))


def explore(unit):
    """End memory at each point of a unit. Returns its Result."""
    sweep = of(unit.story)
    return Result(unit, [one for at in unit.points for one in sweep.found(at)])


def _points(asked):
    story, quick, seed = asked
    found = [ending.Found("disagreements", line) for line in of(story).unharmed()]
    return story, [] if found else list(chosen(story, quick, seed)), found


def run(stories, quick=False, seed=SEED, processes=None, told=lambda done, units: None):
    """Explore these stories; `told(done, units)` after each unit. Returns the report."""
    processes = processes or os.cpu_count() or 1
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        points, found, work = {}, [], []
        asked = [(story, quick, seed) for story in stories]
        for story, chosen_there, wrong in pool.imap_unordered(_points, asked):
            points[story] = len(chosen_there)
            found += wrong
            work += [
                Unit(story, chosen_there[at : at + _UNIT])
                for at in range(0, len(chosen_there), _UNIT)
            ]
        work.sort(key=lambda unit: (unit.story not in ending.MAIN, unit.story))
        for done, result in enumerate(pool.imap_unordered(explore, work), 1):
            found += result.found
            told(done, len(work))
        pool.close()
        pool.join()
    return report({story: points[story] for story in stories}, found, seed)


def report(points, found, seed):
    """Return the report of so many `points` a story, and all that was found there."""
    lines = {kind: sorted(one.line for one in found if one.kind == kind) for kind in KINDS}
    return {
        "points": sum(points.values()),
        **{kind: len(lines[kind]) for kind in KINDS},
        "seed": seed,
        "stories": points,
        "found": lines,
    }


def save(whole):
    """Write the report."""
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
