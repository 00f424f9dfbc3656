"""A board on the desk for each test, and mpremote to speak to it."""

import socket
import subprocess
import sys
import time

import pytest
from mpremote import transport_serial
from serial.urlhandler import protocol_socket

from host_tests.acquirer.shops import Host
from host_tests.conftest import ROOT
from host_tests.device.board import BLOCKS, Board
from host_tests.device.disk import image
from host_tests.device.fitted import FittedBoard
from tools import acquirer
from tools.build import device, mpy, report
from tools.build.tree import build
from tools.device import link
from tools.simulator import interpreter, workplace


class _Clock:
    """`time` as modules know it, for those that sleep a fixed time before they look again."""

    def __getattr__(self, name):
        return getattr(time, name)

    def sleep(self, seconds):
        time.sleep(seconds / 20)


@pytest.fixture(scope="session")
def host_build(tmp_path_factory):
    """The build for the interpreter at hand, with its manifest; nobody changes it."""
    root = tmp_path_factory.mktemp("build") / "device"
    build(device.items(mpy.host_arch())[0], root)
    report.manifest(root, mpy.host_arch())
    return root


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Nobody waits here as long as for a chip: a board on the desk has its answer at once."""
    for module in (link, transport_serial, protocol_socket):
        monkeypatch.setattr(module, "time", _Clock())
    opened = protocol_socket.Serial.open

    def open_at_once(port):
        opened(port)  # a network would hold back the second of two short writes
        port._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    monkeypatch.setattr(protocol_socket.Serial, "open", open_at_once)


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


def until(settled, seconds=30):
    """Wait until `settled()`; a board that does not settle in time is a failure."""
    limit = time.monotonic() + seconds
    while not settled():
        assert time.monotonic() < limit
        time.sleep(0.05)


@pytest.fixture(scope="session")
def flashed(tmp_path_factory):
    """Return the image of a file system that holds the built device."""
    try:
        interpreter.command()
    except interpreter.NoInterpreter as missing:
        pytest.skip(str(missing))
    return image(workplace.device_root(), BLOCKS)


@pytest.fixture
def fitted(flashed, tmp_path, record_property):
    """Give `fitted(**options)`: a flashed board with all parts, closed at the end."""
    record_property("interpreter", "micropython")
    boards = []

    def put(**options):
        home = tmp_path / f"board{len(boards)}"
        home.mkdir()
        (home / "disk").write_bytes(flashed)
        boards.append(FittedBoard(home, **options).__enter__())
        return boards[-1]

    yield put
    for board in boards:
        board.__exit__()
        assert board.faults == []


@pytest.fixture(scope="session")
def host(tmp_path_factory):
    """An acquirer that serves, with nobody enrolled."""
    home = tmp_path_factory.mktemp("acquirer")
    acquirer.init(home)
    running = Host(home, time.time)
    yield running
    running.stop()
