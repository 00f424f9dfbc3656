"""A browser for the page's tests; without one they are skipped, and say so."""

import pytest

from tools.toolchain import chromium


@pytest.fixture(scope="session")
def chromium_path():
    path = chromium.find()
    if path is None:
        pytest.skip("no Chromium on this machine (Debian: apt install chromium)")
    return path
