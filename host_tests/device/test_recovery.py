"""A board whose files are not as they were built ends at a console from which it is flashed again.

What is damaged is never run: native code that is would bring the interpreter down, as it brings
down a chip, and a module cut short can hang it.
"""

import gc
import re
import runpy
import shutil

import pytest

from host_tests.conftest import ROOT
from host_tests.device.disk import image
from host_tests.device.fitted import FittedBoard
from tools.build import mpy, report
from tools.build.device import house
from tools.device import link
from tools.device.flash import flash
from tools.device.link import DeviceError
from tools.device.provision import Order, provision
from tools.device.selftest import selftest

CONFIG = """{"board": "esp32-devkitc", "terminal": "10000001", "merchant": "898310054110001",
"serial": "RB000001", "host": "acquirer.test", "port": 8583, "server_name": "acquirer.test",
"wifi": {"ssid": "shop"}}"""
UNIT = "drivers.parts"  # native code, the first that a start runs

# What brings a chip down, in the place of a module that is listed and whole.
CRASH = """import micropython
@micropython.viper
def crash():
    ptr32(16)[0] = 1
crash()
"""

_HURT = {
    "damaged": "f=open({0!r},'r+b')\nf.seek({1})\nf.write(b'\\xa5'*40)\nf.close()",
    "truncated": "d=open({0!r},'rb').read({1})\nf=open({0!r},'wb')\nf.write(d)\nf.close()",
    "missing": "import os\nos.remove({0!r})",
}


@pytest.fixture(scope="module")
def disk(host_build, tmp_path_factory):
    """The file system of a board that is flashed and provisioned."""
    root = tmp_path_factory.mktemp("disk") / "root"
    shutil.copytree(host_build, root)
    (root / "config.json").write_text(CONFIG)
    return image(root, 448)


def _path(name):
    return house().place(name).replace(".", "/") + ".mpy"


@pytest.mark.parametrize(
    "name, how",
    [
        (UNIT, "damaged"),
        (UNIT, "truncated"),
        ("drivers.board", "missing"),
        ("drivers.trouble", "truncated"),
        ("boot.py", "truncated"),
        ("boot.py", "missing"),
        ("main.py", "damaged"),
        ("start.py", "damaged"),
        (report.MANIFEST, "missing"),
    ],
)
def test_a_file_that_is_not_whole_ends_at_a_console_from_which_it_is_flashed_again(
    desk, tmp_path, disk, host_build, capsys, name, how
):
    (tmp_path / "disk").write_bytes(disk)
    board = desk()
    path = name if "." in name[-4:] else _path(name)
    with link.Link(board.url) as line:
        line.run(_HURT[how].format(path, (host_build / path).stat().st_size // 2))
        log = line.restart(8)
    assert log.endswith(">>> "), log
    assert "make flash PORT=" in log or name == "main.py"  # that one would have said so
    if name not in ("boot.py", report.MANIFEST):
        assert path in re.search("damaged or missing: (.*)", log)[1].split()
    flash(board.url, host_build, None, False, 0)
    assert "files copied: 1, removed: 0; all hashes verified" in capsys.readouterr().out
    assert board.panics == 0


@pytest.mark.parametrize(
    "tool",
    [
        lambda port, home: provision(port, Order("10000001", "898310054110001", home=home)),
        lambda port, home: selftest(port, None, home),
    ],
    ids=["provision", "selftest"],
)
def test_no_tool_runs_what_is_damaged(desk, tmp_path, disk, host_build, tool):
    (tmp_path / "disk").write_bytes(disk)
    board = desk()
    with link.Link(board.url) as line:
        path = _path(UNIT)
        line.run(_HURT["damaged"].format(path, (host_build / path).stat().st_size // 2))
    with pytest.raises(DeviceError, match="are damaged or missing: run `make flash` first"):
        tool(board.url, tmp_path / "home")
    assert board.panics == 0


def test_every_file_of_the_build_is_looked_at(host_build, tmp_path, monkeypatch):
    monkeypatch.setattr(gc, "threshold", lambda amount: None, raising=False)  # MicroPython's
    monkeypatch.setattr(gc, "collect", lambda: 0)  # of a chip's heap, not of a suite's
    monkeypatch.setattr("sys.print_exception", lambda fault: None, raising=False)
    root = tmp_path / "device"
    shutil.copytree(host_build, root)
    monkeypatch.chdir(root)
    page = {"drivers/trouble.mpy", "drivers/pins.mpy", "drivers/starts.mpy", "lib/ssd1306.mpy"}

    def found():
        return runpy.run_path(str(ROOT / "boot.py"))["damaged"]

    assert found() == []
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    assert len(files) > 100
    for path in files:
        content = path.read_bytes()
        middle = len(content) // 2
        name = path.relative_to(root).as_posix()
        seen = None if name == report.MANIFEST or name in page else [name]
        path.write_bytes(content[:middle])
        assert found() == seen, name
        path.write_bytes(content[:middle] + b"%c" % (content[middle] ^ 1) + content[middle + 1 :])
        assert found() == seen, name
        path.unlink()
        assert found() == seen, name
        path.write_bytes(content)


@pytest.mark.parametrize(
    "modules, panics, said",
    [
        (["drivers.board"], 2, "needs service, code 30"),  # the third start shows the page
        (["drivers.board", "drivers.trouble"], 3, "brought the chip down three times"),
    ],
)
def test_what_brings_the_chip_down_again_and_again_ends_at_a_free_console_too(
    tmp_path, record_property, host_build, capsys, modules, panics, said
):
    """The files are whole, and the interpreter is one that they bring down."""
    record_property("interpreter", "micropython")
    root = tmp_path / "root"
    shutil.copytree(host_build, root)
    for name in modules:
        mpy.compile_module(CRASH, name, root / _path(name), ["-march=" + mpy.host_arch()])
    report.manifest(root, mpy.host_arch())
    (root / "config.json").write_text(CONFIG)
    (tmp_path / "disk").write_bytes(image(root, 448))
    with FittedBoard(tmp_path) as board:
        with link.Link(board.url) as line:
            line.run("import machine\nmachine.RTC().memory(b'')")
            board.panics = 0  # it may have started before the line was there
            log = line.restart(20)
            assert log.count("Guru Meditation") == board.panics == panics
            assert log.endswith(">>> ")
            assert said in log
            assert "make flash PORT=" in log
        assert flash(board.url, host_build, None, False, 5)
        assert capsys.readouterr().out.endswith("the terminal is running\n")
        assert board.panics == panics and board.faults == []
