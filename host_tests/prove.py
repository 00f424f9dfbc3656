"""`make prove`: all sweeps, one after the other, and what each may take.

The exit status is 1 when a sweep found something, or took far longer than it may: a machine that
is slow, or busy with other things, is told so and forgiven.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

# Suite: seconds that it may take on an idle machine of two cores, and those of its short form.
BUDGETS_S = {
    "test": (720, 720),  # `make test`, which is no sweep
    "crash": (900, 180),
    "memory": (1200, 90),
    "secrets": (900, 60),
}
SWEEPS = tuple(suite for suite in BUDGETS_S if suite != "test")

_ROOT = Path(__file__).resolve().parent.parent
_FAR_BEYOND = 3  # times its budget


def verdict(suite, seconds, quick=False):
    """Return (what is printed of the time that a suite took, whether that is far too much)."""
    budget_s = BUDGETS_S[suite][quick]
    line = f"{suite}: {seconds:.0f} s of {budget_s} s"
    if seconds <= budget_s:
        return line, False
    return f"{line}, OVER BUDGET", seconds > budget_s * _FAR_BEYOND


def command(suite, quick):
    """Return what runs a sweep."""
    return [sys.executable, "-m", f"host_tests.{suite}", *(["--quick"] if quick else [])]


def prove(quick, sweeps=SWEEPS, run=subprocess.run, clock=time.monotonic):
    """Run the sweeps, all of them also after one that failed; return the exit status."""
    lines, wrong = [], 0
    for suite in sweeps:
        began = clock()
        failed = run(command(suite, quick), cwd=_ROOT).returncode
        line, is_far = verdict(suite, clock() - began, quick)
        wrong |= bool(failed) or is_far
        lines.append(f"{line}, FAILED" if failed else line)
    print("\n".join(lines))
    return int(wrong)


def main():
    """Run what the command line says; return the exit status."""
    parser = argparse.ArgumentParser(prog="make prove", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the short form of each sweep")
    return prove(parser.parse_args().quick)


if __name__ == "__main__":
    sys.exit(main())
