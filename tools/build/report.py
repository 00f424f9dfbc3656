"""What a build gave: a manifest for the device, its files read back, the sizes of its rooms.

What always holds: the manifest names every file of the root but itself, with the SHA-256 that the
device must find; reports are written only when they say something new. Imports nothing of the
device.
"""

import hashlib
import json
from collections import Counter
from pathlib import Path

from tools.build.tree import BuildError
from tools.device.bundle import CERTIFICATES
from tools.toolchain.place import write

MANIFEST = "manifest.json"
MODULES_MAX = 300 * 1024
"""Bytes that all modules may take together, so that they fit beside fonts and texts."""

MEASURED = "boot"
"""The entry of the report that `tools.bench.start` makes."""

_PROVISIONED = ("config.json", *CERTIFICATES)  # and no key that lies beside them


def manifest(root: Path, arch: str) -> dict[str, str]:
    """Write the manifest of the files in `root`, and return {path: SHA-256 in hex}."""
    files = {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    _write(root / MANIFEST, {"arch": arch, "files": files})
    return files


def load(root: Path, config: Path | None = None) -> tuple[str, dict[str, bytes]]:
    """Return (arch, {path: content}) of the build in `root` and of the settings in `config`.

    Raises `BuildError` when one of them is missing or not whole.
    """
    try:
        found = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
        arch, hashes = found["arch"], found["files"]
    except (OSError, ValueError, KeyError):
        raise BuildError(f"{root} holds no build: run `make build`") from None
    files = {}
    for path, expected in hashes.items():
        source = root / path
        files[path] = source.read_bytes() if source.is_file() else b""
        if hashlib.sha256(files[path]).hexdigest() != expected:
            raise BuildError(f"{source} is not what was built: run `make build`")
    files[MANIFEST] = (root / MANIFEST).read_bytes()
    if config is not None:
        if not (config / "config.json").is_file():
            raise BuildError(f"{config} holds no config.json")
        for path in _PROVISIONED:
            if (config / path).is_file():
                files[path] = (config / path).read_bytes()
    return arch, files


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
    """Write what `sizes` returned; what others have measured stays beside it. Raises `BuildError`
    when the modules are too large.
    """
    former = json.loads(target.read_text(encoding="utf-8")) if target.is_file() else {}
    _write(target, found | {name: former[name] for name in former.keys() & {MEASURED}})
    if found["modules"] > found["modules_max"]:
        raise BuildError(f"modules take {found['modules']} of {found['modules_max']} bytes")


def _write(target: Path, content: dict) -> None:
    text = json.dumps(content, indent=1) + "\n"
    if not target.is_file() or target.read_text(encoding="utf-8") != text:
        write(target, text)
