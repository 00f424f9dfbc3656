"""Runs every target of `make help` in a short form: `python -m host_tests.targets`.

What continuous integration does after `make test`, on a clone of its own: targets leave what they
make in build/, and `clean` comes last. A target that needs a board is run up to the board, where
it has to end with one line that says so. The last line printed counts what has passed here and,
where build/tests.xml has them, the tests before.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import xml.etree.ElementTree as xml
from dataclasses import dataclass

from host_tests import prove
from host_tests.build import stock
from host_tests.conftest import ROOT
from tools.typed import typed

_TESTS = ROOT / "build" / "tests.xml"
_IMAGE = ROOT / "build" / "short" / "ESP32_GENERIC.bin"
_NO_BOARD = "PORT=/dev/nowhere"
_START_S = 60
_SHOWN = 30  # lines of a target that failed


class Failed(Exception):
    """A target did not do what it should; the text says what it did."""


@dataclass(frozen=True)
class Short:
    """How a target is run: with these `options`, in `limit_s`; up to the board if it needs one."""

    options: str = ""
    limit_s: float = 120
    board: bool = False


BEFORE = ("test",)  # what .ci/run runs itself, before all these
WITHIN = prove.SWEEPS  # what `prove` runs
FORMS = {
    "help": Short(),
    "setup": Short(),
    "lint": Short(),
    "run": Short(limit_s=_START_S),
    "demo": Short(limit_s=300),
    "acquirer": Short("ARGS=--help"),
    "heap": Short("QUICK=1", 900),
    "fuzz": Short("INPUTS=5000 SEED=1", 300),
    "bench": Short("QUICK=1", 300),
    "wear": Short("QUICK=1", 600),
    "mount": Short(limit_s=300),
    "prove": Short("QUICK=1", 1800),
    "build": Short(limit_s=300),
    "sbom": Short(limit_s=300),
    "image": Short(f"FIRMWARE={_IMAGE.relative_to(ROOT)}", 300),
    "flash": Short(_NO_BOARD, board=True),
    "verify": Short(_NO_BOARD, board=True),
    "partition": Short(_NO_BOARD, board=True),
    "provision": Short(
        f"{_NO_BOARD} TERMINAL=10000009 MERCHANT=898310054110009 HOST=localhost:8583 SSID=Shop",
        board=True,
    ),
    "selftest": Short(f"{_NO_BOARD} SKIP=1", board=True),
    "clean": Short(),
}


def targets(makefile=ROOT):
    """Return {target: its line} of `make help`."""
    done = subprocess.run(["make", "-C", makefile, "help"], capture_output=True, text=True)
    return dict(re.findall(r"^make ([a-z]+) +(.*)$", done.stdout, re.MULTILINE))


def play(name, form, folder=ROOT):
    """Run a target in its short form. Raises Failed."""
    done = subprocess.run(
        ["timeout", "--kill-after=10", str(form.limit_s), "make", name, *form.options.split()],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = done.stdout.splitlines()
    tail = "\n".join(f"    {line}" for line in said[-_SHOWN:])
    if done.returncode in (124, 137):
        raise Failed(f"took more than {form.limit_s} s\n{tail}")
    if "Traceback (most recent call last)" in done.stdout:
        raise Failed(f"a traceback\n{tail}")
    if form.board:
        told = [line for line in said if line.startswith(f"{name}: ")]
        if not done.returncode or len(told) != 1 or told != said[-2:-1]:
            raise Failed(f"did not end with one line about the board\n{tail}")
    elif done.returncode:
        raise Failed(f"status {done.returncode}\n{tail}")


def visit(name, form, folder=ROOT):
    """Run the target that serves a page, fetch the page, stop it as Ctrl-C does. Raises Failed."""
    port = _free_port()
    with typed(["make", name, f"PORT={port}"], folder) as process:
        try:
            page = _fetched(_address(process, form.limit_s), process, form.limit_s)
            os.killpg(process.pid, signal.SIGINT)
            said, _ = process.communicate(timeout=_START_S)
        except subprocess.TimeoutExpired:
            raise Failed("could not be stopped") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    if "<html" not in page:
        raise Failed(f"served no page but {page[:80]!r}")
    if "Traceback (most recent call last)" in said:
        raise Failed(f"a traceback\n{said}")


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _address(process, limit_s):
    """Read what the target says up to the page's address; return that."""
    late = threading.Timer(limit_s, os.killpg, (process.pid, signal.SIGKILL))
    late.start()
    try:
        for line in process.stdout:
            if line.startswith("page "):
                return line.split()[1]
    finally:
        late.cancel()
    raise Failed("told no page's address")


def _fetched(url, process, limit_s):
    end = time.monotonic() + limit_s
    while process.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            time.sleep(0.2)  # it does not serve yet
    raise Failed("served no page")


def _counted():
    """Return how many tests have passed and failed before."""
    try:
        suite = xml.parse(_TESTS).getroot().find("testsuite")
    except OSError:
        return 0, 0
    total, failed, errors, skipped = (
        int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")
    )
    return total - failed - errors - skipped, failed + errors


def main():
    """Run them all, a line for each; return the exit status."""
    passed, failed = _counted()
    _IMAGE.parent.mkdir(parents=True, exist_ok=True)
    _IMAGE.write_bytes(stock.firmware())
    wanted = sys.argv[1:] or FORMS
    with tempfile.TemporaryDirectory(prefix="rebind-") as homes:
        passed, failed = _played(wanted, homes, passed, failed)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _played(wanted, homes, passed, failed):
    for name in wanted:
        os.environ["HOME_DIR"] = f"{homes}/{name}"  # nobody's own
        form = FORMS[name]
        print(f"make {name} {form.options}".rstrip(), end=" ", flush=True)
        began = time.monotonic()
        try:
            (visit if name == "run" else play)(name, form)
        except Failed as why:
            failed += 1
            print(f"FAILED: {why}", flush=True)
        else:
            passed += 1
            print(f"passed in {time.monotonic() - began:.0f} s", flush=True)
    return passed, failed


if __name__ == "__main__":
    sys.exit(main())
