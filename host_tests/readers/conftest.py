"""The driver's process, one for all stories, and a counter for each."""

import pytest

from host_tests.readers.counter import Counter, Driver
from tools.simulator import interpreter


@pytest.fixture(scope="module")
def driver():
    """The process in which the driver runs."""
    try:
        made = Driver()
    except interpreter.NoInterpreter as missing:
        pytest.skip(str(missing))
    yield made
    made.close()


@pytest.fixture
def counter(driver, record_property):
    """A counter whose reader was plugged in just now."""
    record_property("interpreter", "micropython")
    return Counter(driver)
