"""Runs the measuring parts of `inside/` in MicroPython, on the firmware's own modules.

A part says what it found in JSON, an object a line.
"""

import json
import subprocess

from tools.simulator.interpreter import REPOSITORY, command

REPORTS = REPOSITORY / "build" / "reports"

_HEAP = 16 * 1024 * 1024  # the chip models live in it too


class Failed(Exception):
    """A part ended with an exception: the message is what it printed."""


def options(part, *words):
    """Return the interpreter's options that make it run `inside/PART.py WORDS`."""
    start = (
        f"import sys;sys.path[:]=[{str(REPOSITORY)!r},'.frozen']",
        f"sys.argv[:]={[part, *map(str, words)]!r}",
        f"__import__('tools.bench.inside.{part}')",
    )
    return ["-X", f"heapsize={_HEAP}", "-c", "\n".join(start)]


def run(part, *words):
    """Yield the objects that `inside/PART.py WORDS` prints. Raises Failed, NoInterpreter."""
    line = [*command(), *options(part, *words)]
    other = []
    with subprocess.Popen(
        line, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            for printed in process.stdout:
                try:
                    yield json.loads(printed)
                except json.JSONDecodeError:
                    other.append(printed)
        except BaseException:  # whoever reads has enough, or wants to stop
            process.kill()
            raise
    if process.returncode != 0:
        raise Failed(f"inside/{part}.py:\n{''.join(other)}")
