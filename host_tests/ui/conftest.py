import pytest

from host_tests.ui.stage import Stage


@pytest.fixture
def stage():
    """Pages in Chinese on a panel of their own."""
    return Stage()
