"""`make secrets`: play the stories, search what they leave, write build/reports/secrets.json.

The exit status is 1 when a secret was found where docs/security.md does not allow it, when a leak
that was made on purpose was not, or when a story could not be played.

`--only STORY` plays that one.
"""

import argparse
import sys
import time

from rich.console import Console
from rich.table import Table

from host_tests import (
    bar,
    conftest,  # noqa: F401 (the firmware's import paths)
    prove,
)
from host_tests.secrets import sweep
from tools.simulator import interpreter, workplace

_SHOWN = 40  # findings printed; the report has all


def _arguments():
    parser = argparse.ArgumentParser(prog="make secrets", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few of the stories")
    parser.add_argument("--only", metavar="STORY", choices=list(sweep.STORIES))
    parser.add_argument("--processes", type=int, help="two for each core")
    return parser.parse_args()


def _table(report):
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("place", no_wrap=True)
    table.add_column("KiB searched", justify="right")
    for place, size in report["bytes"].items():
        table.add_row(place, f"{size / 1024:.1f}")
    return table


def main():
    """Search; return the exit status."""
    options = _arguments()
    names = (
        [options.only] if options.only else list(sweep.QUICK if options.quick else sweep.STORIES)
    )
    began = time.monotonic()
    console = Console()
    try:
        report = bar.shown(
            console,
            "looking for secrets",
            lambda tell: sweep.run(names, tell, options.processes),
        )
    except (interpreter.NoInterpreter, workplace.BuildFailed) as error:
        print(f"secrets: {error}", file=sys.stderr)
        return 1
    sweep.save(report)
    console.print(_table(report))
    for name, kind, place, form, count in report["found"][:_SHOWN]:
        line = f"{name}: {kind} in {place}, {form}, {count} times"
        console.print(line, style="red", markup=False, soft_wrap=True)
    for name, why in report["not played"].items():
        console.print(f"{name} was not played to its end: {why}", style="red", markup=False)
    if report["not searched"]:
        console.print(f"not searched: {report['not searched']}", markup=False, soft_wrap=True)
    missed = [leak for leak, was_found in report["planted"].items() if not was_found]
    for leak in missed:
        console.print(f"the leak planted in the {leak} was not found", style="red")
    if not options.only:
        console.print(prove.verdict("secrets", time.monotonic() - began, options.quick)[0])
    console.print(
        f"{len(report['stories'])} stories, {report['secrets']} secrets:"
        f" {len(report['found'])} found where they must not be,"
        f" {len(report['planted']) - len(missed)} of {len(report['planted'])} planted leaks found"
    )
    return int(bool(report["found"] or report["not played"] or missed))


if __name__ == "__main__":
    sys.exit(main())
