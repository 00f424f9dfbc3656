"""What every host test stands on: the import paths, hypothesis' settings, the count at the end.

Both interpreters are counted apart. A test that runs on MicroPython says so itself, with
`("interpreter", "micropython")` among its user properties; that survives pytest-xdist.
"""

import gc
import os
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
STUBS = ROOT / "host_tests" / "stubs"
DRIVER_LIBRARY = ROOT / ".toolchain" / "lib"

for _path in (ROOT, STUBS):
    if str(_path) not in sys.path:
        sys.path.insert(0, str(_path))
if str(DRIVER_LIBRARY) not in sys.path:
    sys.path.append(str(DRIVER_LIBRARY))

from host_tests import prove  # noqa: E402 (by the path above)
from tools.simulator import interpreter  # noqa: E402

_BEGAN = time.monotonic()

_common = {
    "deadline": None,
    "database": None,
    "print_blob": True,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}
settings.register_profile("quick", max_examples=100, derandomize=True, **_common)
settings.register_profile("deep", max_examples=5000, **_common)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_collection_modifyitems(items):
    """Leave out what asserts the chip's memory where the interpreter's is another."""
    try:
        reason = interpreter.other_memory()
    except interpreter.NoInterpreter:
        reason = None
    if reason:
        for item in items:
            if item.get_closest_marker("memory"):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="module", autouse=True)
def _own_objects_only():
    """Take all that was made before out of the collector's way: the firmware collects all the
    time, which is cheap on its small heap.
    """
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter):
    """Print how many tests passed under each interpreter, and what all of them took."""
    passed = terminalreporter.stats.get("passed", [])
    on_micropython = sum(
        ("interpreter", "micropython") in map(tuple, report.user_properties) for report in passed
    )
    terminalreporter.write_line(
        f"CPython: {len(passed) - on_micropython} passed; MicroPython: {on_micropython} passed"
    )
    if _is_all(terminalreporter.config):
        terminalreporter.write_line(prove.verdict("test", _taken_s())[0])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Fail when all tests took far longer than they may."""
    if _is_all(session.config) and prove.verdict("test", _taken_s())[1]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _is_all(config):
    """Tell whether this process had all tests run, not some that were named."""
    named = config.option.keyword or config.args_source != config.ArgsSource.TESTPATHS
    return not named and not hasattr(config, "workerinput")


def _taken_s():
    return time.monotonic() - _BEGAN
