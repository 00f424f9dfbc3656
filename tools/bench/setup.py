"""How long it takes from a clone to the page: `python -m tools.bench.setup`.

Clones what was committed here, says how long `make run` takes to its address the first time (what
comes over the network said apart) and the second time, and how much was put on the disk. Needs a
network; the goals are 90 s of work and 3 s. Imports tools.typed.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.typed import typed

_ROOT = Path(__file__).resolve().parents[2]
_LIMIT_S = 600


def main() -> int:
    """Measure, and print a line for each figure. Returns the exit status."""
    with tempfile.TemporaryDirectory(prefix="rebind-setup-") as scratch:
        clone = Path(scratch) / "rebind"
        began = time.monotonic()
        subprocess.run(["git", "clone", "--quiet", _ROOT, clone], check=True)
        print(f"clone           {time.monotonic() - began:6.1f} s", flush=True)
        for name in ("first make run", "second make run"):
            took, said = _to_the_page(clone)
            if took is None:
                print(said, file=sys.stderr)
                return 1
            got = sum(map(int, re.findall(r"\((\d+) s to get them", said)))
            aside = f", {got} s of it to get packages" if got else ""
            print(f"{name:15} {took:6.1f} s to the address{aside}", flush=True)
        for folder in (".venv", ".toolchain", "build"):
            print(f"{folder:15} {_megabytes(clone / folder):6.1f} MB")
    return 0


def _to_the_page(clone: Path) -> tuple[float | None, str]:
    """Return the seconds from `make run` to its address, or None, and what it said."""
    began = time.monotonic()
    command = ["timeout", str(_LIMIT_S), "make", "run", "PORT=0"]
    environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    with typed(command, clone, env=environment) as run:
        said, took = "", None
        for line in run.stdout:
            said += line
            if "http://" in line and took is None:
                took = time.monotonic() - began
                os.killpg(run.pid, signal.SIGINT)
    return took, said


def _megabytes(folder: Path) -> float:
    """Return what the files of a folder take on the disk."""
    files = (path.lstat() for path in folder.rglob("*"))
    return sum(file.st_blocks * 512 for file in files) / 1e6


if __name__ == "__main__":
    sys.exit(main())
