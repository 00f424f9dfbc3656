"""The `.toolchain` directory: one writer at a time, and parts that appear whole or not at all."""

import contextlib
import fcntl
import os
import shutil
import sys
import tempfile
from pathlib import Path

_SCRATCH = "tmp-"


class Unavailable(Exception):
    """A part cannot be had; the text says why, for a person to read."""


def say(text: str) -> None:
    """Print one line of progress, in the place of one that moves."""
    clear = "\033[K" if sys.stdout.isatty() else ""
    print(f"{clear}toolchain: {text}", flush=True)


@contextlib.contextmanager
def locked(home: Path):
    """Hold `home` (made if missing) for this process, waiting for another holder to finish.

    What an interrupted run left unfinished is removed. The kernel drops the lock with its holder;
    the value is the lock's open file, for a child that is to hold it on.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run is at work; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left_over in home.glob(f"{_SCRATCH}*"):
            shutil.rmtree(left_over)
        yield lock


@contextlib.contextmanager
def scratch(home: Path):
    """Give an empty directory on the same file system as `home`; it is gone afterwards."""
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=home) as path:
        yield Path(path)


def install(source: Path, target: Path) -> None:
    """Move the file or directory `source` to `target`, replacing what is there.

    `source` is on the same file system, so that `target` is never seen half-made: a directory that
    it replaces is first moved into the scratch space of `source`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        target.rename(source.with_name(f"{source.name}.replaced"))
    source.rename(target)


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a small file at once: readers see the old text or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.chmod(mode)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
