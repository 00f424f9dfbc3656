"""The names of the sources behind those of a build: kept beside it, put back into a traceback.

What always holds: they are written with the build, which has none of them itself; a console names
its build as it starts, and what is read with the names of another build says so. Whoever gives a
build to a terminal keeps its file: build/ROOT.names.json.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tools.build.link import House
from tools.toolchain.place import write as put

_PLACE = re.compile(r'File "([^"]+)", line \d+, in (\S+)')
_FAULT = re.compile(r"\w+(?=: |$)")
_BUILD = re.compile(r"build ([0-9a-f]{12})\b")
_ELSEWHERE = "not in this build: the device has another"


def beside(out: Path) -> Path:
    """Return the file of the names of the build in `out`."""
    return out.with_name(f"{out.name}.names.json")


def write(out: Path, house: House, digest: str) -> None:
    """Keep the names of the linked `house` beside the build in `out`; digest: its manifest's."""
    known = {"build": digest, "code": house.legend(), "faults": house.faults()}
    put(beside(out), json.dumps(known, indent=1, sort_keys=True) + "\n")


def told(lines: Iterable[str], known: list[dict]) -> Iterator[str]:
    """Yield a console's lines with the names of the sources behind those of the device.

    known: what was written of builds, one at least; the first is meant until a line names one.
    """
    at = known[0]
    for line in lines:
        name = None
        if build := _BUILD.match(line):
            at = next((one for one in known if one["build"].startswith(build[1])), None)
            if at is None:
                at, name = known[0], "its names are not here: --names FILE"
        elif place := _PLACE.search(line):
            code = at["code"].get(place[1])
            if code is not None and not place[2].startswith("<"):  # as <lambda>
                name = code.get(place[2], _ELSEWHERE)
        elif fault := _FAULT.match(line):
            name = at["faults"].get(fault[0])
        yield f"{line.rstrip()}  ({name})\n" if name else line


def main() -> int:
    """Read a console's lines, print them with the names of the sources. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.build.link",
        description="Puts the names of the sources into a traceback from the standard input.",
    )
    parser.add_argument(
        "--names", type=Path, help="the .names.json of the build; else those in build/"
    )
    options = parser.parse_args()
    build = Path(__file__).resolve().parents[2] / "build"
    try:
        files = [options.names] if options.names else _newest_first(build.glob("*.names.json"))
        known = [json.loads(file.read_text(encoding="utf-8")) for file in files]
        if not known:
            raise ValueError("there is no build: make build")
        sys.stdout.writelines(told(sys.stdin, known))
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"link: {error}", file=sys.stderr)
        return 1
    return 0


def _newest_first(files: Iterable[Path]) -> list[Path]:
    return sorted(files, key=lambda file: file.stat().st_mtime, reverse=True)
