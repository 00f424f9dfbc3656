"""A Chromium for the browser tests: the machine's own, or installed if we may."""

import os
import shutil
import subprocess

from tools.toolchain.place import say
from tools.toolchain.progress import Progress

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_INSTALL_LIMIT_S = 600


def find() -> str | None:
    """Return the path of a browser that the tests can drive, or None."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def look_for() -> None:
    """Install Chromium where that is allowed and needed. Never fails: says what came of it."""
    if find():
        return
    why = _install()
    if find():
        say("Chromium installed")
    else:
        say(f"no Chromium, so the browser tests will be skipped: {why}")


def _install() -> str:
    """Try apt, as root. Return why it did not work."""
    if not shutil.which("apt-get"):
        return "none on PATH, and no apt to install it with"
    as_root = []
    if os.geteuid() != 0:
        as_root = ["sudo", "-n"]
        if not shutil.which("sudo") or not _quiet([*as_root, "true"]):
            return "none on PATH, and no right to install it"
    say("installing Chromium for the browser tests, about 100 MB")
    install = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    install += ["install", "-y", "--no-install-recommends", "chromium"]
    with Progress("toolchain", lambda: "installing Chromium"):
        if _quiet(install) or (_quiet([*as_root, "apt-get", "update"]) and _quiet(install)):
            return "installed, but not on PATH"
    return "apt-get could not install it"


def _quiet(command: list[str]) -> bool:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_INSTALL_LIMIT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
