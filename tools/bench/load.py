"""A busy machine, for as long as something is shown to bear it."""

import contextlib
import subprocess
import sys

_AT_MOST_S = 600  # that a process spins, should nobody be left to end it

_SPIN = f"import time\nend = time.monotonic() + {_AT_MOST_S}\nwhile time.monotonic() < end: pass"


@contextlib.contextmanager
def load(processes):
    """Keep the machine busy with so many processes meanwhile."""
    busy = []
    try:
        for _ in range(processes):
            busy.append(subprocess.Popen([sys.executable, "-c", _SPIN]))
        yield
    finally:
        for process in busy:
            process.kill()
        for process in busy:
            process.wait()
