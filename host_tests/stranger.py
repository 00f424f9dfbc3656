"""`make demo` on a stranger's machine: `python -m host_tests.stranger`, after the tests.

A clone of what is committed, in a folder with spaces and Chinese characters, is set up and played
by a user who has no rights and nothing of ours: a home of its own, and a PATH without apt. So the
interpreter is the wheel's, of 64 bits, and the font is npm's. It passes only when the demo says
that both sides agree, and the tests of the font pass on that font. Nothing is left behind.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.simulator.demo import AGREED
from tools.toolchain import HOME, fonts, interpreter

ROOT = HOME.parent

_FOLDER = "a b/中 文 (1)"
_LIMIT_S = 900
_NOT_THERE = ("apt", "dpkg", "npm", "node", "micropython")
_FIRST_FREE = 61000
_SETTINGS = ("PIP_", "NPM_CONFIG_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_", "REQUESTS_")
_TAIL = 60


class Failed(Exception):
    """The stranger did not get where they wanted; the text says how far."""


class Stranger:
    """A user without rights, at home in `place`: this process's own unless it is root's."""

    def __init__(self, place):
        self.rights = {}
        self.place = place
        if os.geteuid() == 0:
            taken = {entry.pw_uid for entry in pwd.getpwall()}
            user = next(number for number in range(_FIRST_FREE, 65000) if number not in taken)
            self.rights = {"user": user, "group": user, "extra_groups": []}
        for name in ("home", "bin", "tmp"):
            (place / name).mkdir()
        self._link_programs()
        self.environment = {
            name: value for name, value in os.environ.items() if name.upper().startswith(_SETTINGS)
        } | {
            "HOME": str(place / "home"),
            "PATH": str(place / "bin"),
            "TMPDIR": str(place / "tmp"),
            "LANG": "C.UTF-8",
        }
        self.own()

    def _link_programs(self):
        """Put what is on this PATH on the stranger's, but for what would be taken otherwise."""
        for folder in os.get_exec_path():
            for program in Path(folder).iterdir() if Path(folder).is_dir() else ():
                link = self.place / "bin" / program.name
                if not program.name.startswith(_NOT_THERE) and not os.path.lexists(link):
                    link.symlink_to(program)

    def own(self):
        """Give the stranger all that is in their place."""
        if self.rights:
            for path in (self.place, *self.place.rglob("*")):
                os.chown(path, self.rights["user"], self.rights["group"], follow_symlinks=False)

    def python(self):
        """Return a Python that the stranger can start, and that is new enough. Raises Failed."""
        newest = [f"python3.{minor}" for minor in range(14, 10, -1)]
        for name in (sys._base_executable, "/usr/bin/python3", *newest):
            found = shutil.which(name)
            test = "import sys, venv; sys.exit(sys.version_info < (3, 11))"
            if found and self.run([found, "-c", test], 20)[0] == 0:
                return found
        raise Failed("there is no Python 3.11 or newer that another user could start")

    def run(self, command, limit_s, cwd=None):
        """Run a command as the stranger; return its exit status and its lines with their times."""
        began = time.monotonic()
        lines = []
        try:
            process = subprocess.Popen(
                command, cwd=cwd or self.place, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                start_new_session=True, **self.rights,
            )  # fmt: skip
        except OSError as error:
            return 127, [(0.0, str(error))]
        alarm = signal.signal(signal.SIGALRM, lambda *_: os.killpg(process.pid, signal.SIGKILL))
        signal.alarm(limit_s)
        try:
            with process:
                for line in process.stdout:
                    lines.append((time.monotonic() - began, line.rstrip()))
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, alarm)
        return process.returncode, lines


def _visit(place):
    """Clone, set up and play the demo in `place`. Raises Failed."""
    tree = place / _FOLDER
    clone = ["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(tree)]
    subprocess.run(clone, check=True)
    stranger = Stranger(place)
    python = stranger.python()
    status, lines = stranger.run(["make", "demo", f"PYTHON={python}"], _LIMIT_S, tree)
    if status or AGREED not in [line for _, line in lines]:
        tail = "\n".join(f"  {line}" for _, line in lines[-_TAIL:])
        raise Failed(f"`make demo` ended with {status} and these lines:\n{tail}")
    facts = interpreter.recorded(tree / ".toolchain")
    font = fonts.path(tree / ".toolchain")
    if facts["bits"] != 64 or font.suffix != ".woff":
        raise Failed(f"it ran on another machine than meant: {facts}, {font.name}")
    ready = next((at for at, line in lines if line == "toolchain: complete"), 0.0)
    played = lines[-1][0] - ready
    print(f"stranger: {ready:.0f} s to all that is needed, {played:.0f} s for the demo")
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run([*tests, "host_tests/build/test_font.py"], cwd=tree)
    if done.returncode:
        raise Failed("the font does not pass its tests")


def main():
    began = time.monotonic()
    place = Path(tempfile.mkdtemp(prefix="rebind-stranger-"))
    place.chmod(0o755)
    try:
        _visit(place)
    except (Failed, subprocess.CalledProcessError) as error:
        print(f"stranger: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(place, ignore_errors=True)
    print(f"stranger: {AGREED}, in a folder of any name, {time.monotonic() - began:.0f} s in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
