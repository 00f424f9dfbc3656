"""What a build gave: a manifest for the device, and the sizes of its rooms.

What always holds: the manifest names every file of the root but itself, with the SHA-256 that the
device must find; reports are written only when they say something new. Imports nothing of the
device.
"""

import hashlib
import json
from collections import Counter
from pathlib import Path

from tools.build.tree import BuildError
from tools.toolchain.place import write

MANIFEST = "manifest.json"
MODULES_MAX = 300 * 1024
"""Bytes that all modules may take together, so that they fit beside fonts and texts."""


def manifest(root: Path, arch: str) -> dict[str, str]:
    """Write the manifest of the files in `root`, and return {path: SHA-256 in hex}."""
    files = {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    _write(root / MANIFEST, {"arch": arch, "files": files})
    return files


def read_manifest(root: Path) -> tuple[str, dict[str, str]]:
    """Return (arch, {path: SHA-256}) of a build. Raises `BuildError` when `root` is none."""
    try:
        found = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
        return found["arch"], found["files"]
    except (OSError, ValueError, KeyError):
        raise BuildError(f"{root} holds no build: run `make build`") from None


def sizes(root: Path, arch: str, files: list[str]) -> dict:
    """Return the sizes of `files`: of each, of each room, of all modules, of everything."""
    each = {path: (root / path).stat().st_size for path in sorted(files)}
    rooms = Counter()
    for path, size in each.items():
        rooms[room(path)] += size
    return {
        "arch": arch,
        "modules": sum(size for path, size in each.items() if path.endswith(".mpy")),
        "modules_max": MODULES_MAX,
        "total": sum(each.values()),
        "rooms": dict(sorted(rooms.items())),
        "files": each,
    }


def room(path: str) -> str:
    """Return the folder a file of the device belongs to; `start` for those at the top."""
    return path.rpartition("/")[0] or "start"


def write_sizes(target: Path, found: dict) -> None:
    """Write what `sizes` returned. Raises `BuildError` when the modules are too large."""
    _write(target, found)
    if found["modules"] > found["modules_max"]:
        raise BuildError(f"modules take {found['modules']} of {found['modules_max']} bytes")


def _write(target: Path, content: dict) -> None:
    text = json.dumps(content, indent=1) + "\n"
    if not target.is_file() or target.read_text(encoding="utf-8") != text:
        write(target, text)
