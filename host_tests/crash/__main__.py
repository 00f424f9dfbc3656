"""`make crash`: sweep all faults, print a table and write build/reports/crash.json.

The exit status is 1 when a rule did not hold.

`--only SCENARIO:POINT[.POINT]` tells the story of one fault, as a disagreement's line names it.
"""

import argparse
import sys
import time

from rich.console import Console
from rich.table import Table

from host_tests import bar
from host_tests.crash import archive, scenarios, sweep

_WAYS = 200  # of damaging the audit log
_SHOWN = 20  # disagreements printed; the report has all


def _arguments():
    parser = argparse.ArgumentParser(prog="make crash", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="edges of operations, single faults")
    parser.add_argument(
        "--seed", type=int, default=sweep.SEED, help="of the sampled double faults"
    )
    parser.add_argument("--only", metavar="SCENARIO:POINT[.POINT]", help="tell one fault's story")
    parser.add_argument(
        "--scenario", action="append", choices=list(scenarios.SCENARIOS), help="of all, only this"
    )
    parser.add_argument("--interpreter", action="append", choices=list(sweep.BODIES))
    parser.add_argument("--processes", type=int, help="as many as there are cores")
    return parser.parse_args()


def _table(report, seconds):
    title = f"{seconds:.0f} s, seed {report['seed']}"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column("scenario", no_wrap=True)
    for heading in (*sweep.KINDS, "single", "double", "uncut", "wrong"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, row in report["scenarios"].items():
        points = [row["points"].get(kind, 0) for kind in sweep.KINDS]
        singles = sum(row["single_faults"].values())
        uncut = row["ends"].get("as uncut", 0)
        numbers = (*points, singles, row["double_faults"], uncut, len(row["disagreements"]))
        table.add_row(name, *map(str, numbers))
    return table


def _tell(only, interpreters):
    name, _, path = only.partition(":")
    fault = tuple(int(number) for number in path.split(".") if number)
    for interpreter in interpreters:
        print(sweep.explorer(name, interpreter).story(fault))
    sweep.close()


def main():
    """Sweep or tell; return the exit status."""
    options = _arguments()
    interpreters = tuple(options.interpreter or sweep.BODIES)
    if options.only:
        _tell(options.only, interpreters)
        return 0
    began = time.monotonic()
    console = Console()
    names = options.scenario or list(scenarios.SCENARIOS)
    how = names, options.quick, options.seed, interpreters, options.processes
    report = bar.shown(console, "cutting", lambda tell: sweep.run(*how, tell))
    sweep.save(report)
    console.print(_table(report, time.monotonic() - began))
    for row in report["scenarios"].values():
        for line in row["disagreements"][:_SHOWN]:
            console.print(line, style="red", markup=False, soft_wrap=True)
    console.print(
        f"{report['points']} points, {report['single_faults']} single and"
        f" {report['double_faults']} double faults: {report['disagreements']} disagreements"
    )
    if options.scenario:
        return 1 if report["disagreements"] else 0
    ways = _WAYS // 10 if options.quick else _WAYS
    wedged = archive.wedged(ways, options.seed)
    console.print(f"{ways} ways to wedge the archive: {len(wedged)} do {wedged or ''}")
    return 1 if report["disagreements"] or wedged else 0


if __name__ == "__main__":
    sys.exit(main())
