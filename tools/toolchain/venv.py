"""Makes `.venv` from requirements.txt: `python3 -m tools.toolchain.venv`, before anything else.

Runs on the machine's own Python, so it imports only the standard library, and its syntax is one
that an older Python reads far enough to be told that it is too old. The mark of a complete
environment is written last: an interrupted run is done again.
"""

import hashlib
import subprocess
import sys

from tools.toolchain import HOME
from tools.toolchain.place import locked, say, write

OLDEST = (3, 11)

_ROOT = HOME.parent
_VENV = _ROOT / ".venv"
_PYTHON = _VENV / "bin" / "python"
_REQUIREMENTS = _ROOT / "requirements.txt"
_MARK = _VENV / "requirements.sha256"
_PIP = ["--disable-pip-version-check", "--quiet", "install", "-r", str(_REQUIREMENTS)]


def main():
    """Bring `.venv` in line with the requirements. Returns a process's exit status."""
    if sys.version_info < OLDEST:
        needed, found = (".".join(map(str, numbers[:2])) for numbers in (OLDEST, sys.version_info))
        say(f"Python {needed} or newer is needed, this is {found}: make PYTHON=python3.12 …")
        return 1
    if _complete():
        return 0
    with locked(HOME):
        if _complete():  # the run that held the lock did it
            return 0
        say("making .venv from requirements.txt")
        pip = _make()
        if pip is None:
            return 1
        if subprocess.call(pip + _PIP):
            say("pip could not install requirements.txt; its message is above")
            return 1
        write(_MARK, _wanted())
    return 0


def _wanted():
    return hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()


def _complete():
    try:
        # The interpreter is a link: it dangles when the Python it was made from is gone.
        return _PYTHON.exists() and _MARK.read_text() == _wanted()
    except OSError:
        return False


def _make():
    """Make the environment if it cannot be kept. Return the pip command for it, or None."""
    own_pip = [str(_PYTHON), "-m", "pip"]
    if _works([*own_pip, "--version"]):
        return own_pip
    venv = [sys.executable, "-m", "venv", "--clear"]
    if _works([*venv, str(_VENV)]):
        return own_pip
    # Debian splits ensurepip off Python; a pip outside can fill an environment that has none.
    outer_pip = [sys.executable, "-m", "pip", "--python", str(_PYTHON)]
    if _works([*venv, "--without-pip", str(_VENV)]) and _works([*outer_pip, "--version"]):
        return outer_pip
    say(
        "this Python can neither make an environment with pip nor has pip itself; "
        "install it (Debian, Ubuntu: apt-get install python3-venv) and run this again"
    )
    return None


def _works(command):
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
