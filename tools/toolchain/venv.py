"""Makes `.venv` and installs what is asked of it: `python3 -m tools.toolchain.venv STAGE…`.

Runs on the machine's own Python, so it imports only the standard library, and its syntax is one
that an older Python reads far enough to be told that it is too old. What always holds: nothing is
installed whose hash is not in requirements/; the mark of a stage is written last, so whatever
interrupts a run, the next one completes it: downloads are kept by pip, and a package that was
being unpacked is unpacked again.
"""

import csv
import hashlib
import re
import shutil
import subprocess
import sys
import time

from tools.toolchain import HOME
from tools.toolchain.place import locked, say, write
from tools.toolchain.progress import STOPPED, Progress
from tools.toolchain.stages import STAGES, VENV, lockfile, packages

OLDEST = (3, 11)

_PYTHON = VENV / "bin" / "python"
_PIP = ["--disable-pip-version-check", "--no-input", "--retries", "2", "install", "--no-deps"]
_PIP += ["--require-hashes", "--no-compile", "--no-warn-script-location", "--progress-bar", "off"]
# What pip says while, and after, the index does not answer.
_SILENCE = re.compile(
    "connection broken by|Max retries exceeded|Could not fetch URL|Failed to establish|"
    "ProxyError|Name or service not known|name resolution|timed out|unreachable",
    re.IGNORECASE,
)


def main():
    """Complete the stages that the command line names. Returns a process's exit status."""
    if sys.version_info < OLDEST:
        needed, found = (".".join(map(str, numbers[:2])) for numbers in (OLDEST, sys.version_info))
        say(f"Python {needed} or newer is needed, this is {found}: make PYTHON=python3.12 …")
        return 1
    stages = [stage for stage in STAGES if stage in sys.argv[1:]]
    if all(map(_complete, stages)):
        return 0
    try:
        with locked(HOME) as lock:
            pip = _make()
            if pip is None:
                return 1
            # pip holds the lock too: if this is killed, the next run waits for what is left of it.
            done = all(_complete(stage) or _install(pip, stage, lock) for stage in stages)
            return 0 if done else 1
    except KeyboardInterrupt:
        say(STOPPED)
        return 130
    except OSError as error:
        say(f"{error.filename or VENV} can't be written: {error.strerror}; nothing is lost")
        return 1


def _mark(stage):
    return VENV / f"{stage}.sha256"


def _wanted(stage):
    return hashlib.sha256(lockfile(stage).read_bytes()).hexdigest()


def _complete(stage):
    try:
        # The interpreter is a link: it dangles when the Python it was made from is gone.
        return _PYTHON.exists() and _mark(stage).read_text() == _wanted(stage)
    except OSError:
        return False


def _install(pip, stage, lock):
    """Install a stage, telling how far it is. Return whether it is there."""
    purpose, megabytes = STAGES[stage]
    count = len(packages(stage))
    _drop_damaged()
    work = _Pip(stage, count, megabytes)
    began = time.monotonic()
    command = [*pip, *_PIP, "-r", str(lockfile(stage))]
    with Progress("toolchain", work.doing):
        status = work.run(command, lock)
    if status:
        say(work.trouble(purpose))
        return False
    write(_mark(stage), _wanted(stage))
    total = time.monotonic() - began
    say(f"{purpose}: {count} packages are there ({work.fetched - began:.0f} s to get them, "
        f"{total - (work.fetched - began):.0f} s to install)")  # fmt: skip
    return True


class _Pip:
    """One installation by pip: reads what it says, and knows how far it is."""

    def __init__(self, stage, count, megabytes):
        self._purpose, self._count, self._megabytes = STAGES[stage][0], count, megabytes
        self._seen = 0
        self._what = "asking for packages"
        self._silent = False
        self._said = []
        self._before = None
        self.fetched = time.monotonic()

    def doing(self):
        """Return what pip is doing, in a few words."""
        if self._before is None:
            return f"{self._what}, {self._seen} of {self._count}"
        return f"installing packages, {min(_installed() - self._before, self._seen)} new"

    def run(self, command, lock):
        """Run pip; return its exit status. It ends with this process, or holds `lock` on."""
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=[lock.fileno()],
        ) as pip:
            try:
                for line in pip.stdout:
                    self._hear(line.strip())
            except BaseException:
                pip.terminate()
                raise
        return pip.returncode

    def _hear(self, line):
        self._said.append(line)
        if _SILENCE.search(line):
            if not self._silent:
                missing = f"{self._count} packages for {self._purpose}, {self._megabytes} MB"
                say(f"no network: {missing}, are missing; the package index does not answer")
            self._silent = True
            return
        word = line.partition(" ")[0]
        if word == "Collecting" or line.startswith("Requirement already satisfied"):
            self._seen += 1
        elif word in ("Downloading", "Using"):
            if self._what == "asking for packages":
                say(f"{self._purpose}: {self._count} packages, about {self._megabytes} MB to "
                    "download, once")  # fmt: skip
            self._what = "getting packages"
        elif line.startswith("Installing collected"):
            self._before = _installed()
            self.fetched = time.monotonic()

    def trouble(self, purpose):
        """Return why pip failed, and what to do."""
        if self._silent:
            return (
                "no network: connect, or set PIP_INDEX_URL or HTTPS_PROXY, and give the same "
                "command again; what has come is kept"
            )
        errors = [line for line in self._said if line.startswith(("ERROR", "error"))]
        why = "; ".join(errors[:2] or self._said[-2:])
        return f"pip could not install what {purpose} need: {why}"


def _installed():
    return len(_records("METADATA"))


def _records(name):
    return list(VENV.glob(f"lib/python*/site-packages/*.dist-info/{name}"))


def _drop_damaged():
    """Forget what an interrupted installation left half done, so that pip installs it again."""
    for folder in VENV.glob("lib/python*/site-packages/*.dist-info"):
        if not _whole(folder):
            shutil.rmtree(folder)


def _whole(folder):
    try:
        with (folder / "RECORD").open(encoding="utf-8", newline="") as record:
            return all(
                not size or (folder.parent / path).stat().st_size == int(size)
                for path, _, size in csv.reader(record)
            )
    except (OSError, ValueError):
        return False


def _make():
    """Make the environment if it cannot be kept. Return the pip command for it, or None."""
    own_pip = [str(_PYTHON), "-m", "pip"]
    # A pip outside fills it without being unpacked first; Debian splits ensurepip off Python.
    outer_pip = [sys.executable, "-m", "pip", "--python", str(_PYTHON)]
    for pip in (own_pip, outer_pip):
        if _works([*pip, "--version"]):
            return pip
    with Progress("toolchain", lambda: "making .venv"):
        venv = [sys.executable, "-m", "venv", "--clear"]
        if _works([*venv, "--without-pip", str(VENV)]) and _works([*outer_pip, "--version"]):
            return outer_pip
        if _works([*venv, str(VENV)]):
            return own_pip
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
