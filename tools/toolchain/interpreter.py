"""The MicroPython that runs the firmware on the host: Debian's, 32-bit, or one on PATH."""

import json
import platform
import shlex
import shutil
import subprocess
from pathlib import Path

from tools.toolchain.archive import Archive
from tools.toolchain.place import Unavailable, install, say, scratch, write

OLDEST = (1, 24, 0)

# The 32-bit build first: its object and heap sizes are the chip's. Per kind of processor:
# (Debian architecture, name of its dynamic loader).
_BUILDS = {
    "x86_64": (("i386", "ld-linux.so.2"), ("amd64", "ld-linux-x86-64.so.2")),
    "i686": (("i386", "ld-linux.so.2"),),
    "aarch64": (("armhf", "ld-linux-armhf.so.3"), ("arm64", "ld-linux-aarch64.so.1")),
    "armv7l": (("armhf", "ld-linux-armhf.so.3"),),
}

# Asks an interpreter what it is, and whether it has what the firmware imports.
_PROBE = """\
import asyncio, cryptolib, framebuf, hashlib, sys, tls
i = sys.implementation
print(i.name, i.version[0], i.version[1], i.version[2], 64 if sys.maxsize >> 31 else 32, i._mpy)
"""
_PROBE_LIMIT_S = 20

# Bits 10 and up of sys.implementation._mpy: the native code that the interpreter can load.
_MPY_ARCHES = ("none", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em") + (
    "armv7emsp",
    "armv7emdp",
    "xtensa",
    "xtensawin",
    "rv32imc",
    "rv64imc",
)

_WRAPPER = """\
#!/bin/sh
# The packaged interpreter with its own loader and libraries, wherever this tree lies.
here=${{0%/*}}
root=$here/../micropython
exec "$root/{loader}" --library-path "$root/{libraries}" "$root/usr/bin/micropython" "$@"
"""


def present(home: Path) -> bool:
    """Tell whether the recorded interpreter is there and runs from where it lies now."""
    try:
        recorded = json.loads((home / "micropython.json").read_text(encoding="utf-8"))
        return recorded == _describe(home / "bin/micropython")
    except (OSError, ValueError, Unavailable):
        return False


def get(home: Path, archive: Archive) -> None:
    """Put an interpreter into `home`. Raises `Unavailable` with all that was tried."""
    reasons = []
    for arch, loader in _BUILDS.get(platform.machine(), ()):
        try:
            for suite in archive.suites(arch):
                try:
                    return _from_debian(home, suite, loader)
                except Unavailable as error:
                    say(f"MicroPython of {suite.name} skipped: {error}")
            reasons.append(f"no MicroPython for {arch} could be downloaded")
        except Unavailable as error:
            reasons.append(str(error))
            break
    try:
        _from_path(home)
    except Unavailable as error:
        reasons.append(str(error))
        raise Unavailable(
            f"no MicroPython: {'; '.join(reasons)}. Install the unix port (standard variant), "
            f"{OLDEST[0]}.{OLDEST[1]} or newer, so that `micropython` is on PATH, "
            "and run this again."
        ) from None


def _from_debian(home: Path, suite, loader: str) -> None:
    """Install the package of `suite`, once it has proved to run."""
    with scratch(home) as work:
        root = work / "micropython"
        packages = ["micropython", *suite.depends("micropython")]
        say(f"downloading from {suite.name}: {' '.join(packages)}")
        suite.unpack(packages, root)
        libc = next(root.glob("usr/lib/*/libc.so.6"), None)
        # The loader's own name may be a symbolic link to an absolute path: take the file.
        program = next((p for p in root.rglob(loader) if p.is_file()), None)
        if libc is None or program is None:
            raise Unavailable("the C library's package is not laid out as expected")
        shutil.rmtree(root / "usr/share")
        wrapper = _WRAPPER.format(
            loader=program.relative_to(root), libraries=libc.parent.relative_to(root)
        )
        write(work / "bin/micropython", wrapper, mode=0o755)
        _describe(work / "bin/micropython")
        install(root, home / "micropython")
        _record(home, wrapper)


def _from_path(home: Path) -> None:
    """Use the machine's own interpreter if it is new enough."""
    found = shutil.which("micropython")
    if not found:
        raise Unavailable("there is no `micropython` on PATH")
    facts = _describe(Path(found))
    if facts["bits"] != 32:
        say(f"{found} is a {facts['bits']}-bit MicroPython: heap figures are not the chip's")
    _record(home, f'#!/bin/sh\nexec {shlex.quote(found)} "$@"\n')


def _record(home: Path, wrapper: str) -> None:
    """Write the command and, last, the record that says the part is complete."""
    write(home / "bin/micropython", wrapper, mode=0o755)
    facts = _describe(home / "bin/micropython")
    write(home / "micropython.json", json.dumps(facts, indent=2) + "\n")
    say(f"MicroPython {facts['version']}, {facts['bits']}-bit")


def _describe(command: Path) -> dict:
    """Run the interpreter and return its facts. Raises `Unavailable` if it will not do."""
    try:
        answer = subprocess.run(
            [command, "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PROBE_LIMIT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        raise Unavailable(f"{command} does not start") from None
    name, *numbers = answer.stdout.split() or [""]
    if answer.returncode or len(numbers) != 5:
        trouble = (answer.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        raise Unavailable(f"{command} does not serve as MicroPython: {trouble}")
    major, minor, patch, bits, mpy = map(int, numbers)
    if name != "micropython":
        raise Unavailable(f"{command} is {name}, not MicroPython")
    if (major, minor, patch) < OLDEST:
        raise Unavailable(f"{command} is MicroPython {major}.{minor}.{patch}, which is too old")
    return {
        "version": f"{major}.{minor}.{patch}",
        "bits": bits,
        "mpy_arch": _MPY_ARCHES[mpy >> 10] if mpy >> 10 < len(_MPY_ARCHES) else "none",
    }
