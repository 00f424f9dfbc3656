"""What a build gave: a manifest for the device, its files read back, the sizes of its rooms.

What always holds: the manifest names every file of the build but itself, with the SHA-256 that
the device must find. It is text that a chip reads line by line:

    xtensawin <SHA-256 of all lines after this one> acid bold camp dusk
    <SHA-256> <path>                                of each file, ascending by path

Four words stand for the hash, so that people can compare it: its first four bytes, as lines of
words.txt. Reports are written only when they say something new. Imports nothing of the device.
"""

import hashlib
import json
from collections import Counter
from pathlib import Path

from tools.build.tree import BuildError
from tools.device.bundle import CERTIFICATES
from tools.toolchain.place import write

MANIFEST = "manifest.txt"
MODULES_MAX = 300 * 1024
"""Bytes that all modules may take together, so that they fit beside fonts and texts."""

MEASURED = "boot"
"""The entry of the report that `tools.bench.start` makes."""

_WORDS = Path(__file__).with_name("words.txt")
_PROVISIONED = ("config.json", *CERTIFICATES)  # and no key that lies beside them


def manifest(root: Path, arch: str) -> dict[str, str]:
    """Write the manifest of the build in `root`, and return {path: SHA-256 in hex}."""
    paths = sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())
    hashes = {
        path: sha256((root / path).read_bytes())
        for path in paths
        if path != MANIFEST and not provisioned(path)
    }
    lines = "".join(f"{hashes[path]} {path}\n" for path in hashes)
    digest = hashlib.sha256(lines.encode())
    head = f"{arch} {digest.hexdigest()} {' '.join(words(digest.digest()))}\n"
    _write(root / MANIFEST, head + lines)
    return hashes


def read(text: str) -> tuple[str, dict[str, str], str]:
    """Return (arch, {path: SHA-256 in hex}, the four words) of a manifest's text.

    Raises ValueError when it is not whole.
    """
    head, _, lines = text.partition("\n")
    arch, digest, *said = head.split(" ")
    found = hashlib.sha256(lines.encode())
    if found.hexdigest() != digest or said != words(found.digest()):
        raise ValueError("not whole")
    rows = [line.split(" ", 1) for line in lines.splitlines()]
    return arch, {path: hashed for hashed, path in rows}, " ".join(said)


def words(digest: bytes) -> list[str]:
    """Return the four words that stand for a hash."""
    known = _WORDS.read_text(encoding="utf-8").split()
    return [known[byte] for byte in digest[:4]]


def sha256(data: bytes) -> str:
    """Return the SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def provisioned(path: str) -> bool:
    """Tell whether a file of the device is one terminal's own, and of no build: its settings, its
    certificates, its state where that is kept in files.
    """
    return path == "config.json" or path.startswith(("certs/", "journal/"))


def load(root: Path, config: Path | None = None) -> tuple[str, dict[str, bytes]]:
    """Return (arch, {path: content}) of the build in `root` and of the settings in `config`.

    Raises `BuildError` when one of them is missing or not whole.
    """
    try:
        arch, hashes, _ = read((root / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BuildError(f"{root} holds no build: run `make build`") from None
    files = {}
    for path, expected in hashes.items():
        source = root / path
        files[path] = source.read_bytes() if source.is_file() else b""
        if sha256(files[path]) != expected:
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
    found |= {name: former[name] for name in former.keys() & {MEASURED}}
    _write(target, json.dumps(found, indent=1) + "\n")
    if found["modules"] > found["modules_max"]:
        raise BuildError(f"modules take {found['modules']} of {found['modules_max']} bytes")


def _write(target: Path, text: str) -> None:
    if not target.is_file() or target.read_text(encoding="utf-8") != text:
        write(target, text)
