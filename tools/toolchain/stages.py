"""The stages of `.venv`: what is installed together, because the same commands need it.

`requirements/NAME.in` says what a stage asks for, `requirements/NAME.txt` all that comes of it,
each package with the hashes of its archives (made by tools/toolchain/lock.py). Runs on the
machine's own Python: imports only the standard library, in an older Python's syntax.
"""

from tools.toolchain import HOME

ROOT = HOME.parent
VENV = ROOT / ".venv"

STAGES = {
    "run": ("make run and make demo", 31),
    "board": ("a board and its images", 5),
    "bench": ("the benches", 28),
    "test": ("the tests", 67),
}
"""{stage: (who needs it, about how many MB are downloaded)}, in the order they build on each
other."""


def wishes(stage):
    """Return the file that says what the stage asks for."""
    return ROOT / "requirements" / f"{stage}.in"


def lockfile(stage):
    """Return the file that pip installs the stage from."""
    return ROOT / "requirements" / f"{stage}.txt"


def packages(stage):
    """Return {name: (version, [SHA-256 of an archive, …])} of all packages of the stage."""
    found = {}
    for line in lockfile(stage).read_text(encoding="utf-8").splitlines():
        if "==" in line and not line.startswith("#"):
            name, _, rest = line.partition("==")
            hashes = []
            found[name] = (rest.split()[0], hashes)
        elif "--hash=sha256:" in line:
            hashes.append(line.split("sha256:")[1].split()[0])
    return found
