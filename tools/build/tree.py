"""The device's file-system root, made incrementally from the repository.

`boot.py`, `main.py` and `start.py` are copied, modules are compiled to `.mpy` with their device
path as the embedded source name, assets are made from the font and the texts. A manifest beside
the root keeps the digest of everything that each file was made from.
"""

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.toolchain.place import write


class BuildError(Exception):
    """Something in the sources, or about the target directory, for a person to put right."""


@dataclass(frozen=True)
class Item:
    """One file of the device: where it goes, what it depends on, and how it is made."""

    path: str
    inputs: tuple[bytes, ...]
    make: Callable[[Path], None]

    @property
    def digest(self) -> str:
        """The digest of all inputs, each with its length so that they cannot run together."""
        total = hashlib.sha256()
        for part in self.inputs:
            total.update(b"%d:" % len(part) + part)
        return total.hexdigest()


@dataclass(frozen=True)
class Outcome:
    """What a build did: sizes of all files by path, and the paths made or removed this time."""

    sizes: dict[str, int]
    made: list[str]
    removed: list[str]


def build(items: list[Item], out: Path) -> Outcome:
    """Bring the directory `out` in line with `items`. Raises `BuildError`.

    What succeeded before an error or an interruption is kept and not made again.
    """
    record = out.with_name(f"{out.name}.manifest.json")
    with _locked(out):
        known = _read(record)
        if known is None:
            if out.exists() and any(out.iterdir()):
                raise BuildError(f"{out} is not empty and was not made by this build: remove it")
            known = {}
        made, removed = [], []
        try:
            for item in items:
                target = out / item.path
                digest = item.digest
                if known.get(item.path) != digest or not target.is_file():
                    known.pop(item.path, None)
                    _make(item, target)
                    known[item.path] = digest
                    made.append(item.path)
            for path in sorted(known.keys() - {item.path for item in items}):
                (out / path).unlink(missing_ok=True)
                _prune((out / path).parent, out)
                del known[path]
                removed.append(path)
        finally:
            if made or removed or not record.exists():
                write(record, json.dumps(known, indent=0, sort_keys=True) + "\n")
        sizes = {item.path: (out / item.path).stat().st_size for item in items}
        return Outcome(sizes, made, removed)


def _make(item: Item, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.part")
    try:
        item.make(fresh)
        os.replace(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)


def _prune(directory: Path, root: Path) -> None:
    """Remove `directory` and its parents below `root` as far as they are empty."""
    while directory != root:
        try:
            directory.rmdir()
        except OSError:
            return  # in use
        directory = directory.parent


@contextlib.contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Let one build at a time work on `out`."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.with_name(f".{out.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(record: Path) -> dict[str, str] | None:
    """Return the manifest, or None when there is none. An unreadable one means: make all again."""
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
