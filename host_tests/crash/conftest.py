"""What all stories of broken terminals begin with."""

import pytest

from host_tests.crash import scenarios


@pytest.fixture(autouse=True, scope="session")
def sound_beginnings():
    """The worlds are lived in by sound terminals: made, and kept, before a test breaks one."""
    for name in (scenarios.MAIN, "lock-out"):
        scenarios.begin(name)
