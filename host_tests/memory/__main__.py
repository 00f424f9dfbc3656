"""`make memory`: end memory everywhere, print a table and write build/reports/memory.json.

The exit status is 1 when anything was lost, repeated or not said, or the terminal started again.

`--only STORY:POINT` tells what happens at one point, as a line of what was found names it.
"""

import argparse
import sys
import time

from rich.console import Console
from rich.table import Table

from host_tests import bar, prove
from host_tests.memory import pinch, sweep

_SHOWN = 20  # lines of a kind printed; the report has all


def _arguments():
    parser = argparse.ArgumentParser(prog="make memory", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few points of each story")
    parser.add_argument("--seed", type=int, default=sweep.SEED, help="of the sampled points")
    parser.add_argument("--only", metavar="STORY:POINT", help="tell one point's story")
    parser.add_argument("--story", action="append", choices=list(sweep.STORIES), help="only this")
    parser.add_argument("--processes", type=int, help="as many as there are cores")
    return parser.parse_args()


def _tell(only):
    story, _, point = only.rpartition(":")
    if story not in sweep.STORIES or not point.isdigit():
        return f"{only}: there are only {', '.join(sweep.STORIES)}, and their points by number"
    if story in pinch.STORIES:
        print(pinch.story(story, int(point)))
        return None
    there = sweep.of(story)
    if int(point) >= there.points:
        return f"{only}: {story} has the points 0 to {there.points - 1}"
    print(there.story(int(point)))
    sweep.close()
    return None


def _table(report):
    title = f"seed {report['seed']}"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column("story", no_wrap=True)
    table.add_column("points", justify="right")
    for story, points in report["stories"].items():
        table.add_row(story, str(points))
    return table


def main():
    """Sweep or tell; return the exit status."""
    options = _arguments()
    if options.only:
        wrong = _tell(options.only)
        if wrong:
            print(wrong, file=sys.stderr)
        return int(wrong is not None)
    began = time.monotonic()
    console = Console()
    stories = options.story or list(sweep.STORIES)
    how = stories, options.quick, options.seed, options.processes
    report = bar.shown(console, "ending memory", lambda tell: sweep.run(*how, tell))
    sweep.save(report)
    console.print(_table(report))
    for kind in sweep.KINDS:
        for line in report["found"][kind][:_SHOWN]:
            console.print(f"{kind}: {line}", style="red", markup=False, soft_wrap=True)
    counts = [f"{report[kind]} {kind}" for kind in sweep.KINDS]
    if not options.story:
        console.print(prove.verdict("memory", time.monotonic() - began, options.quick)[0])
    console.print(f"{report['points']} points: {', '.join(counts)}")
    return int(any(report[kind] for kind in sweep.KINDS))


if __name__ == "__main__":
    sys.exit(main())
