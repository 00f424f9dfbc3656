"""The whole sweep: where memory ends under CPython and under MicroPython, and the report.

Work is cut into units that processes take in turn: a story, or a part of its points, where each
process has to find out first how the story goes. What comes out does not depend on who took which.
May import ending, pinch.
"""

import json
import multiprocessing
import os
import random
import warnings
from collections import namedtuple
from functools import partial

from host_tests.crash import ROOT
from host_tests.memory import ending, pinch

STORIES = (*ending.STORIES, *pinch.STORIES)
REPORT = ROOT / "build" / "reports" / "memory.json"
SEED = 1
KINDS = ("disagreements", "restarts", "silent")
_SAMPLES = 50  # calls of each story but the main ones
_QUICK = 2
_QUICK_MAIN = 30
_LEFT_OUT = {  # of the short form, whose time goes into the beginnings: others are much like these
    *("reviewed, power away", "reviewed, rejected", "owner confirms", "bank out", "lock-out"),
    *("declined for a while", "merchant renumbered", "updated, password change"),
    *("change by card", "restore at the counter", "operator added and deleted"),
}
_PARTS = {**dict.fromkeys(ending.MAIN, 40), **dict.fromkeys(pinch.STORIES, 6), pinch.SMALL: 3}

_sweeps = {}

Unit = namedtuple("Unit", "story quick seed part parts")
Result = namedtuple("Result", "unit points found")  # points: how many


def of(story):
    """This process's Sweep of a story (by name)."""
    if story not in _sweeps:
        warnings.filterwarnings("ignore", "coroutine .* was never awaited")  # no room for its task
        _sweeps[story] = ending.Sweep(story)
    return _sweeps[story]


def close():
    """End this process's sweeps."""
    for one in _sweeps.values():
        one.close()
    _sweeps.clear()


def chosen(story, quick, seed):
    """Return the points of a story: of pinch's all, of the main ones each call of the terminal's
    own work and the edges of each way to a call at the counter, of the others a sample.
    """
    if story in pinch.STORIES:
        return pinch.points(story, quick)
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
    """End memory at every so-manieth point of the story, the unit's part of them. Returns its
    Result; of a story that goes wrong by itself no point is tried.
    """
    if unit.story in pinch.STORIES:
        found, wrong = partial(pinch.found, unit.story), []
    else:
        sweep = of(unit.story)
        found = sweep.found
        wrong = [ending.Found("disagreements", line) for line in sweep.unharmed()]
    if wrong:
        return Result(unit, 0, wrong if unit.part == 0 else [])
    points = chosen(unit.story, unit.quick, unit.seed)[unit.part :: unit.parts]
    return Result(unit, len(points), [one for at in points for one in found(at)])


def run(stories, quick=False, seed=SEED, processes=None, told=lambda done, units: None):
    """Explore these stories; `told(done, units)` after each unit. Returns the report.

    processes: twice as many as there are cores, if not given: some wait for a terminal to do its
    work, in its own time.
    """
    processes = processes or 2 * (os.cpu_count() or 1)
    work = _mixed(
        [
            Unit(story, quick, seed, part, parts)
            for story in stories
            if not (quick and story in _LEFT_OUT)
            for parts in [1 if quick else _PARTS.get(story, 1)]
            for part in range(parts)
        ]
    )
    points, found = dict.fromkeys(stories, 0), []
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        told(0, len(work))
        for done, result in enumerate(pool.imap_unordered(explore, work), 1):
            points[result.unit.story] += result.points
            found += result.found
            told(done, len(work))
        pool.close()
        pool.join()
    return report(points, found, seed)


def _mixed(work):
    # Those that wait for a terminal and those that compute, evenly.
    waiting = [unit for unit in work if unit.story in pinch.STORIES]
    computing = [unit for unit in work if unit.story in ending.STORIES]
    placed = [
        (at / len(units), unit) for units in (waiting, computing) for at, unit in enumerate(units)
    ]
    return [unit for _, unit in sorted(placed)]


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
