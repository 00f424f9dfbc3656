"""A workplace: an acquirer and a terminal enrolled there, made once and found again.

A workplace is a directory with `acquirer` (its books and keys), `bundle` (what the enrolment gave)
and `terminal` (a terminal's home). The device's files come from `tools.build`. May import
tools.acquirer, tools.build (as a command) and the rest of tools.simulator.
"""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.acquirer import Acquirer, office
from tools.simulator.interpreter import REPOSITORY
from tools.simulator.provision import provision
from tools.simulator.scenario import Stage
from tools.simulator.terminal import HEAP, SimulatedTerminal

HOME = REPOSITORY / "build" / "home"

TERMINAL = "10000001"
MERCHANT = "898310054110001"
ACCOUNT = "6222021234567890"  # bound before anything changes

_DEVICE = REPOSITORY / "build" / "device"


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
    takes beyond the numbers; the first binding is ACCOUNT if nothing is said. Returns the bundle's
    facts (terminal, merchant, serial, totp_secret and so on).
    """
    home = Path(home)
    bundle = home / "bundle"
    office.init(home / "acquirer")
    if not (bundle / "keys.json").exists():
        enrolment = {"account": ACCOUNT, **enrolment}
        office.enroll(home / "acquirer", TERMINAL, MERCHANT, bundle, **enrolment)
    provision(home / "terminal", bundle, device or device_root(), ("127.0.0.1", 0))
    return json.loads((bundle / "keys.json").read_text(encoding="utf-8"))


def put_aside(home=HOME):
    """Move the workplace in `home` to `home.previous`; the one that was there goes."""
    home = Path(home)
    if home.exists():
        previous = home.with_name(f"{home.name}.previous")
        shutil.rmtree(previous, ignore_errors=True)
        os.replace(home, previous)


@contextlib.asynccontextmanager
async def at_work(home=HOME, identity=None, heap=HEAP, echo=None, on_event=None, rom=True):
    """Open the workplace in `home`: the acquirer serves, the terminal is off. Gives a Stage.

    heap, rom: see SimulatedTerminal; echo: see Stage; on_event: see Acquirer.
    """
    home = Path(home)
    identity = identity or json.loads((home / "bundle" / "keys.json").read_text(encoding="utf-8"))
    terminal = SimulatedTerminal(home / "terminal", heap=heap, rom=rom)
    try:
        async with Acquirer(home / "acquirer", on_event) as acquirer:
            terminal.link.port = acquirer.port
            stage = Stage(terminal, identity, acquirer, office, echo)
            try:
                yield stage
            finally:
                await stage.close()
                await terminal.power_off()
    finally:
        await terminal.close()
