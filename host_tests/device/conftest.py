"""A board on the desk for each test, and mpremote to speak to it."""

import subprocess
import sys

import pytest

from host_tests.conftest import ROOT
from host_tests.device.board import Board


@pytest.fixture
def desk(tmp_path, record_property):
    """Give `desk(**facts)`: a board, closed at the end, on which nothing was lost or broke."""
    record_property("interpreter", "micropython")
    boards = []

    def put(disk="disk", **facts):
        boards.append(Board(tmp_path / disk, **facts).__enter__())
        return boards[-1]

    yield put
    for board in boards:
        board.__exit__()
        assert board.faults == []


def mpremote(board, *words):
    """Run `mpremote connect BOARD WORDS`; return what it printed. Its failure is the test's."""
    command = [sys.executable, "-m", "mpremote", "connect", board.url, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
