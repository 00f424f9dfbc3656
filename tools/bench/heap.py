"""Find the smallest MicroPython heap in which the whole demo passes, by bisection.

Run: python -m tools.bench.heap. Writes build/reports/heap.json: {"min_heap_bytes": n}.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

REPORT = Path(__file__).resolve().parents[2] / "build" / "reports" / "heap.json"
LOW = 48 * 1024  # the firmware does not even import in this
HIGH = 256 * 1024
STEP = 1024
_LIMIT_S = 180


def passes(heap):
    """Tell whether the demo passes with `heap` bytes."""
    with tempfile.TemporaryDirectory(prefix="rebind-heap-") as home:
        command = [sys.executable, "-m", "tools.simulator", "demo", "--quiet"]
        command += ["--home", str(Path(home) / "home"), "--heap", str(heap)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0


def smallest(low=LOW, high=HIGH):
    """Return the smallest heap in bytes, to STEP, in which the demo passes.

    Raises SystemExit when it doesn't pass in `high` either.
    """
    if not passes(high):
        raise SystemExit(f"the demo fails in {high} bytes already: run `make demo` to see why")
    while high - low > STEP:
        middle = (low + high) // 2 // STEP * STEP
        good = passes(middle)
        print(f"  {middle:7d} bytes: {'passes' if good else 'fails'}", flush=True)
        low, high = (low, middle) if good else (middle, high)
    return high


def main():
    """Bisect, print and write the report."""
    print("The smallest heap for the demo:", flush=True)
    heap = smallest()
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps({"min_heap_bytes": heap}) + "\n", encoding="utf-8")
    print(f"smallest heap: {heap} bytes")


if __name__ == "__main__":
    main()
