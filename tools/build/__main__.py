"""Command line: `python -m tools.build` makes the device's file-system root.

For the interpreter of the toolchain it is build/device. With `--arch` it is build/ARCH, with
sources to freeze beside it, and a report of sizes. Both hold a manifest; the names of the sources
lie beside them.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

from tools.build import device, frozen, mpy, names, report, stamp
from tools.build.link import House
from tools.build.tree import BuildError, Outcome, build
from tools.toolchain.progress import STOPPED, Progress


def _summary(outcome: Outcome) -> str:
    """Return one line: how much is on the device, where, and what this run changed."""
    rooms = Counter()
    for path, size in outcome.sizes.items():
        rooms[report.room(path).partition("/")[0]] += size
    parts = ", ".join(f"{room} {size / 1024:.1f}" for room, size in sorted(rooms.items()))
    total = sum(rooms.values()) / 1024
    change = f"{len(outcome.made)} made" if outcome.made else "nothing to do"
    if outcome.removed:
        change += f", {len(outcome.removed)} removed"
    return f"build: {len(outcome.sizes)} files, {total:.1f} KiB ({parts}); {change}"


def _report(arch: str, out: Path, outcome: Outcome) -> None:
    """Write what belongs to a build for a chip, and print the size of each room."""
    build(list(frozen.items()), out.with_name("freeze"))
    found = report.sizes(out, arch, list(outcome.sizes))
    for room, size in found["rooms"].items():
        print(f"  {room:20} {size:8,} B")
    print(f"  {'all modules':20} {found['modules']:8,} B of {found['modules_max']:,}")
    report.write_sizes(out.parent / "reports/size.json", found)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.build", description=__doc__)
    parser.add_argument("--out", type=Path, help="the root to make")
    parser.add_argument("--arch", choices=mpy.ARCHES, help="native code of the target's chip")
    options = parser.parse_args()
    out = options.out or device.ROOT / "build" / (options.arch or "device")
    try:
        outcome = _for_chip(options.arch, out) if options.arch else _for_host(out)
    except BuildError as error:
        print(f"build: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"build: {STOPPED}", file=sys.stderr)
        return 130
    print(_summary(outcome))
    return 0


def _for_host(out: Path) -> Outcome:
    """Make what the simulator starts: it asks at every start, so no work is told from one hash."""
    wanted = stamp.digest(None)
    sizes = stamp.done(out, wanted)
    if sizes is not None and names.beside(out).is_file():
        return Outcome(sizes, [], [])
    with _telling(), stamp.renewed(out, wanted) as sizes:
        arch = mpy.host_arch()
        files, linked = device.items(arch)
        outcome = build(files, out)
        _name(out, arch, linked)
        sizes.update(outcome.sizes)
    return outcome


def _for_chip(arch: str, out: Path) -> Outcome:
    with _telling():
        files, linked = device.items(arch)
        outcome = build(files, out)
        _name(out, arch, linked)
        _report(arch, out, outcome)
    return outcome


def _name(out: Path, arch: str, linked: House) -> None:
    """Give the build its manifest, and keep the names of the sources beside it."""
    report.manifest(out, arch)
    head = (out / report.MANIFEST).read_text(encoding="utf-8").split(maxsplit=2)
    names.write(out, linked, head[1])


def _telling() -> Progress:
    return Progress("build", lambda: "compiling the firmware and drawing its font")


if __name__ == "__main__":
    sys.exit(main())
