"""Finds the MicroPython that `tools.toolchain` put in place, and compiles the shims for it.

The shims' source is `tools/simulator/shims`; what runs is `build/shims/*.mpy`, compiled to native
code: that lies outside Python's heap, as the chip's own modules lie in its ROM. Imports only
`tools.build`, whose way of compiling is the device's own.
"""

import os
import tempfile
from pathlib import Path

from tools.build import mpy
from tools.toolchain import HOME
from tools.toolchain.interpreter import recorded
from tools.toolchain.place import Unavailable

REPOSITORY = Path(__file__).resolve().parents[2]

_SHIMS = Path(__file__).parent / "shims"
_COMPILED = REPOSITORY / "build" / "shims"
_COMPILER = (Path(mpy.__file__), Path(__file__))
_ONCE = "rebind_rom"  # goes when it has run: native code would stay
_STARTED = ("boot.py", "main.py")
# What the chip's own comes to, see drivers.heap; and what objects of twice that size take.
_HEAPS = {32: 84 * 1024, 64: 256 * 1024}


class NoInterpreter(Exception):
    """There is no MicroPython: the message says how to get one."""


def command():
    """Return the interpreter's command as a list. Raises NoInterpreter."""
    facts()
    return [str(HOME / "bin" / "micropython")]


def facts():
    """Return what the interpreter is: `bits`, `mpy_arch` and so on. Raises NoInterpreter."""
    try:
        return recorded(HOME)
    except Unavailable as error:
        raise NoInterpreter(str(error)) from None


def other_memory():
    """Return what to say where figures of memory are not the chip's, or None."""
    bits = facts()["bits"]
    return None if bits == 32 else f"left out: memory, since this MicroPython has {bits} bits"


def heap():
    """Return how many bytes of Python memory a terminal is given when nothing is said."""
    try:
        return _HEAPS[facts()["bits"]]
    except NoInterpreter:
        return _HEAPS[32]


def shims():
    """Compile what is out of date and return the directory of the compiled shims."""
    _COMPILED.mkdir(parents=True, exist_ok=True)
    made = max(tool.stat().st_mtime for tool in _COMPILER)
    for source in sorted(_SHIMS.rglob("*.py")):
        target = _COMPILED / f"{source.stem}.mpy"
        if not target.exists() or target.stat().st_mtime < max(made, source.stat().st_mtime):
            _compile(source, target)
    return _COMPILED


def _compile(source, target):
    """Compile beside the target and move it there: several sessions may do this at once."""
    handle, beside = tempfile.mkstemp(dir=target.parent, suffix=".part")
    os.close(handle)
    try:
        arch = mpy.host_arch()
        native = arch != "none" and source.stem != _ONCE
        options = ["-march=" + arch, "-X", "emit=native"] if native else []
        mpy.compile_module(source.read_text("utf-8"), source.stem, Path(beside), options)
        os.replace(beside, target)
    finally:
        Path(beside).unlink(missing_ok=True)


def start_command(root, heap, device=None):
    """Return the command line that starts the device in `heap` bytes; its files are those of the
    folder `root`. device: what runs MicroPython, `command()` if not given.

    It does what the chip's ROM does: the hardware modules are there before anything asks for them
    and the file system is mounted (see `shims/rebind_rom.py`), then boot.py and main.py are run
    unmodified as `__main__`. An exception ends in the REPL, SystemExit in
    a soft reset.
    """
    lacking = "" if facts()["getpeercert"] else "import rebind_tls;del rebind_tls;"
    program = (
        f"import sys;sys.path[:]=[{str(shims())!r}];{lacking}import rebind_rom;del sys,rebind_rom",
        "try:",
        *(f" execfile({name!r})" for name in _STARTED if (root / name).exists()),
        " pass",
        "except SystemExit:",
        " import machine;machine.soft_reset()",
    )
    return [*(device or command()), "-X", f"heapsize={heap}", "-i", "-c", "\n".join(program)]
