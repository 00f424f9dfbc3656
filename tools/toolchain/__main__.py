"""Command line: `python -m tools.toolchain` gets all parts; `… chromium` looks for a browser."""

import argparse
import sys

from tools.toolchain import HOME, chromium, clock, driver, fonts, interpreter
from tools.toolchain.archive import Archive
from tools.toolchain.place import Unavailable, locked, say, scratch
from tools.toolchain.progress import STOPPED, Progress


def _get_parts() -> None:
    """Complete `.toolchain`. Raises `Unavailable`; the parts that came stay."""
    parts = (interpreter, driver, fonts, clock)
    if all(part.present(HOME) for part in parts):
        return
    say("getting an interpreter, a driver and a font, about 12 MB, once")
    with locked(HOME), scratch(HOME) as work, Progress("toolchain", lambda: "getting them"):
        archive = Archive(work)
        if not driver.present(HOME):
            driver.get(HOME)
        if not interpreter.present(HOME):
            interpreter.get(HOME, archive)
        if not fonts.present(HOME):
            fonts.get(HOME, archive)
        if not clock.present(HOME):
            clock.get(HOME, archive)
        say("complete")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.toolchain", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("parts", "chromium"), default="parts")
    if parser.parse_args().what == "chromium":
        chromium.look_for()
        return 0
    try:
        _get_parts()
    except Unavailable as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say(STOPPED)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
