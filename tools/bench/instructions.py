"""Counts instructions with valgrind: what a machine under load cannot blur.

What always holds: without valgrind, or with one that cannot run a program, the answer is None.
Imports tools.simulator.interpreter for the interpreter's command.
"""

import re
import shutil
import subprocess
from pathlib import Path

from tools.simulator import interpreter
from tools.toolchain import HOME

ROOT = Path(__file__).resolve().parents[2]
_COPY = ROOT / "build" / "bench" / "micropython"
_LIMIT_S = 120
TOTAL = re.compile(r"Collected : (\d+)")

# Fillers between functions that newer assemblers write and older valgrinds do not know, and what
# does as little and is known.
_FILLERS = {
    bytes.fromhex("2e8db42600000000"): bytes.fromhex("0f1f840000000000"),
    bytes.fromhex("2e8d742600"): bytes.fromhex("0f1f440000"),
}


def micropython():
    """Return the command of a MicroPython that valgrind can run."""
    packaged = HOME / "micropython" / "usr"
    if not packaged.exists():
        return interpreter.command()
    if not _COPY.exists():
        fresh = _COPY.with_name("micropython.part")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(packaged, fresh, ignore=shutil.ignore_patterns("gconv", "share"))
        for path in fresh.rglob("*"):
            if path.is_file():
                data = plain = path.read_bytes()
                for filler, known in _FILLERS.items():
                    plain = plain.replace(filler, known)
                if plain != data:
                    path.write_bytes(plain)
        fresh.rename(_COPY)
    loader = _COPY / "lib" / "ld-linux.so.2"
    libraries = _COPY / "lib" / "i386-linux-gnu"
    return [str(loader), "--library-path", str(libraries), str(_COPY / "bin" / "micropython")]


def under_valgrind(command):
    """Return the command that counts what `command` executes, or None without valgrind."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        return None
    return [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", *command]


def count(command):
    """Return how many instructions the command executes, or None."""
    full = under_valgrind(command)
    if full is None:
        return None
    try:
        done = subprocess.run(full, cwd=ROOT, capture_output=True, text=True, timeout=_LIMIT_S)
    except subprocess.TimeoutExpired:
        return None
    found = TOTAL.search(done.stderr)
    return int(found[1]) if found and done.returncode == 0 else None


def each(command, works):
    """Return {name: instructions of one call}. works: {name: times}; command(name, times) is what
    to run.
    """
    found = {}
    base = None
    for name, times in works.items():
        base = base or count(command(name, 0))
        total = count(command(name, times))
        if base is None or total is None:
            return {}
        found[name] = round((total - base) / times)
    return found
