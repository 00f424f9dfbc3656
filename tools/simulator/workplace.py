"""A workplace: an acquirer and a terminal enrolled there, made once and found again.

A workplace is a directory with `acquirer` (its books and keys), `bundle` (what the enrolment gave)
and `terminal` (a terminal's home). What a person did there stays: only a home that says that it is
the demo's is ever emptied. The device's files come from `tools.build`. May import tools.acquirer,
tools.build (as a command) and the rest of tools.simulator.
"""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tools.acquirer import Acquirer, bank_list, office
from tools.private import keep_private
from tools.simulator.interpreter import REPOSITORY
from tools.simulator.provision import provision
from tools.simulator.scenario import Stage
from tools.simulator.terminal import HEAP, SimulatedTerminal

HOME = Path(os.environ.get("HOME_DIR") or REPOSITORY / "build" / "home")
DEMO_HOME = Path(os.environ.get("HOME_DIR") or REPOSITORY / "build" / "demo")

TERMINAL = "10000001"
MERCHANT = "898310054110001"
ACCOUNT = "6222021234567890"  # bound before anything changes

_DEVICE = REPOSITORY / "build" / "device"
_LOCK = "lock"
_DEMO_MARK = "demo.txt"
_MARK_SAYS = "This folder is the demo's: `make demo` empties it each time.\n"


class HomeRefused(Exception):
    """The home can't be used; the text says why and what to do."""


class BuildFailed(Exception):
    """The device's files could not be made; what tools.build said has been printed."""


def device_root():
    """Build the device's files, if need be, and return their directory. Raises BuildFailed."""
    _DEVICE.parent.mkdir(parents=True, exist_ok=True)
    with (_DEVICE.parent / "device.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = [sys.executable, "-m", "tools.build", "--out", str(_DEVICE)]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout, done.stderr, sep="", file=sys.stderr)
        raise BuildFailed(f"`{' '.join(command[1:])}` failed")
    return _DEVICE


def prepare(home=HOME, device=None, **enrolment):
    """Make the workplace in `home`, or renew the device's files of the one that is there.

    device: the device's files, `device_root()` if not given. enrolment: what `office.enroll`
    takes beyond the numbers; if nothing is said, the first binding is ACCOUNT, and the owner does
    not confirm changes (there is nobody at a phone, unless a scenario says `acquirer owner on`).
    Returns the bundle's facts (terminal, merchant, serial, totp_secret and so on).
    """
    home = Path(home)
    bundle = home / "bundle"
    office.init(home / "acquirer")
    bank_list.fill_made_up(home / "acquirer")
    if not (bundle / "keys.json").exists():
        enrolment = {"account": ACCOUNT, "owner_confirms": False, **enrolment}
        office.enroll(home / "acquirer", TERMINAL, MERCHANT, bundle, **enrolment)
    keep_private(bundle)
    provision(home / "terminal", bundle, device or device_root(), ("127.0.0.1", 0))
    return json.loads((bundle / "keys.json").read_text(encoding="utf-8"))


@contextlib.contextmanager
def held(home, demo=False):
    """Keep `home` from every other run and demo for as long as this process lives in it.

    demo: it is the demo's, and emptied. Raises HomeRefused, before anything in it has changed,
    when it is in use, can't be written, or belongs to a person where the demo wants one (or to the
    demo where a person does).
    """
    home = Path(home)
    try:
        home.mkdir(parents=True, exist_ok=True)
        _check_whose(home, demo)
        lock = _locked(home)
    except OSError as error:
        raise HomeRefused(f"{explained(error)}, or give another HOME_DIR=…") from error
    with lock:
        _check_whose(home, demo)
        if demo:
            _empty(home)
        yield


def _check_whose(home, demo):
    known = set(os.listdir(home)) - {_LOCK}
    if known and demo != (_DEMO_MARK in known):
        whose = "holds what is not the demo's" if demo else "is the demo's, which empties it"
        raise HomeRefused(f"{home} {whose}: give another HOME_DIR=…")


def _locked(home):
    """The home's open lock file: whoever has it open holds the home, and a crash lets it go."""
    lock = (home / _LOCK).open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        if not isinstance(error, BlockingIOError):
            raise
        raise HomeRefused(
            f"{home} is in use by another `make run` or `make demo`: stop the other, or give"
            " HOME_DIR=…"
        ) from None
    return lock


def _empty(home):
    for path in home.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name not in (_LOCK, _DEMO_MARK):
            path.unlink()
    (home / _DEMO_MARK).write_text(_MARK_SAYS, encoding="utf-8")


def explained(error):
    """What an OSError of a workplace means for a person, in one line."""
    return (
        f"{error.filename or 'a file'} cannot be used ({error.strerror or error}): check that the"
        " disk has room and that the folder is yours"
    )


class Clock:
    """The acquirer's clock: this machine's, and whatever a scenario has added (`later_s`)."""

    def __init__(self):
        self.later_s = 0

    def __call__(self):
        return time.time() + self.later_s


@contextlib.asynccontextmanager
async def at_work(home=HOME, identity=None, heap=HEAP, echo=None, on_event=None, rom=True):
    """Open the workplace in `home`: the acquirer serves, the terminal is off. Gives a Stage.

    heap, rom: see SimulatedTerminal; echo: see Stage; on_event: see Acquirer.
    """
    home = Path(home)
    identity = identity or json.loads((home / "bundle" / "keys.json").read_text(encoding="utf-8"))
    terminal = SimulatedTerminal(home / "terminal", heap=heap, rom=rom)
    try:
        async with Acquirer(home / "acquirer", on_event, Clock()) as acquirer:
            terminal.link.port = acquirer.port
            stage = Stage(terminal, identity, acquirer, office, echo)
            try:
                yield stage
            finally:
                await stage.close()
                await terminal.power_off()
    finally:
        await terminal.close()
