"""Command line: `python -m tools.build` makes the device's file-system root, build/device."""

import argparse
import sys
from collections import Counter
from pathlib import Path

from tools.build import device, mpy
from tools.build.tree import BuildError, Outcome, build


def _summary(outcome: Outcome) -> str:
    """Return one line: how much is on the device, where, and what this run changed."""
    rooms = Counter()
    for path, size in outcome.sizes.items():
        rooms[path.split("/")[0] if "/" in path else "start"] += size
    parts = ", ".join(f"{room} {size / 1024:.1f}" for room, size in sorted(rooms.items()))
    total = sum(rooms.values()) / 1024
    change = f"{len(outcome.made)} made" if outcome.made else "nothing to do"
    if outcome.removed:
        change += f", {len(outcome.removed)} removed"
    return f"build: {len(outcome.sizes)} files, {total:.1f} KiB ({parts}); {change}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.build", description=__doc__)
    parser.add_argument("--out", type=Path, default=device.ROOT / "build/device")
    parser.add_argument(
        "--arch", choices=mpy.ARCHES, help="native code (default: the toolchain interpreter's)"
    )
    options = parser.parse_args()
    try:
        outcome = build(device.items(options.arch or mpy.host_arch()), options.out)
    except BuildError as error:
        print(f"build: {error}", file=sys.stderr)
        return 1
    print(_summary(outcome))
    return 0


if __name__ == "__main__":
    sys.exit(main())
