"""Runs every test function of this folder twice: under CPython and under MicroPython.

The test files hold plain `test_*` functions without arguments, and import nothing of pytest. Under
MicroPython one process runs a whole file (`runner.py`) and reports each function on a line.
"""

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LIMIT_S = 120

# What counts the bytes of the chip's objects.
_MEMORY = (
    "test_writing_and_reading_allocate_nothing",
    "test_codec_encoder",
    "test_the_largest_state_takes_a_kibibyte_and_a_half_of_memory",
    "test_a_put_that_finds_no_room_anywhere_has_done_nothing",
    "test_a_put_that_finds_no_room_while_a_sector_is_begun_has_done_nothing",
)

_reports = {}


def pytest_itemcollected(item):
    """Mark what is left out where memory is not the chip's."""
    if getattr(item, "originalname", "") in _MEMORY and "micropython" in item.name:
        item.add_marker("memory")


@pytest.fixture(autouse=True, params=["cpython", "micropython"])
def interpreter(request, record_property):
    """Make two items of every function; name its interpreter for the count at the end."""
    record_property("interpreter", request.param)
    return request.param


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Answer a MicroPython item from its file's run; leave the others to pytest."""
    if pyfuncitem.funcargs.get("interpreter") != "micropython":
        return None
    reports = run_under_micropython(pyfuncitem.path)
    verdict, details = reports.get(pyfuncitem.originalname, ("missing", reports["output"]))
    if verdict != "pass":
        pytest.fail(f"{verdict} under MicroPython\n{details}", pytrace=False)
    return True


def micropython_command():
    """Return the path of the interpreter that the toolchain installed."""
    command = ROOT / ".toolchain/bin/micropython"
    if not command.exists():
        pytest.fail("no MicroPython: `make test` installs it", pytrace=False)
    return str(command)


def run_under_micropython(path):
    """Return {function: (verdict, details)} for the test file at `path`, run once."""
    if path not in _reports:
        finished = subprocess.run(
            [micropython_command(), str(HERE / "runner.py"), str(ROOT), path.stem],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=LIMIT_S,
            check=False,
        )
        _reports[path] = _read(finished.stdout)
    return _reports[path]


def _read(output):
    reports = {"output": output}
    details = []
    for line in output.splitlines():
        mark, _, name = line.partition(" ")
        if mark in ("@pass", "@fail"):
            reports[name] = (mark[1:], "\n".join(details))
            details = []
        else:
            details.append(line)
    return reports
