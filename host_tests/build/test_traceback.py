"""A traceback of the built device, as its console prints it, in the names of the sources."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.build import device, names, report
from tools.simulator import workplace

_HEAP = 256 * 1024
_START_S = 20
_END = "told all"


def _program(house):
    """What goes wrong on the device, a fault of each kind, as boot.py."""
    called = {
        full: name
        for table in house.legend().values()
        for name, names in table.items()
        for full in names.split(" or ")
    }
    about, numbers = house.place("firmware.errands.about"), house.place("firmware.access.numbers")
    return f"""
import builtins
import sys

def told(work, *args):
    try:
        work(*args)
    except Exception as fault:
        sys.print_exception(fault)

def wrong(*args):
    raise ValueError

property, builtins.property = builtins.property, wrong
told(__import__, "firmware.rooms")
builtins.property = property

from firmware import rooms
from firmware.storage import journal
from firmware.ui.text import Text

class Partition:
    def ioctl(self, command, argument):
        return 1  # sector

def broken():
    raise journal.StorageFault(23)

def each():
    for one in __import__({numbers!r}).{called["firmware.access.numbers.each"]}(None):
        pass

told(rooms.ask, "nothing", "run")
told(Text, "nothing")
told(rooms.ask, "hungry", "run")
told(broken)
told(each)
told(rooms.ask({about!r}, "run", None).send, None)
told(rooms.{called["drivers.flash.Flash"]}(Partition()).read, 9, 0, b"")
print({_END!r})
raise SystemExit
"""


def _told(lines):
    """Return what `tools.build.link` makes of what a console printed."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.build.link"],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
        cwd=device.ROOT,
    )
    return done.stdout


async def _printed(home):
    identity = workplace.prepare(home)
    files = Path(home) / "terminal" / "fs"
    (files / "boot.py").write_text(_program(device.house()), encoding="utf-8")
    (files / "hungry.py").write_text("raise MemoryError", encoding="utf-8")
    async with workplace.at_work(home, identity, _HEAP) as stage:
        console = stage.terminal.console
        await stage.terminal.power_on()
        await console.printed.wait_for(lambda: _END in console.lines, _START_S)
        return list(console.lines)


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    return _told(asyncio.run(_printed(tmp_path_factory.mktemp("home"))))


@pytest.mark.parametrize(
    "name",
    [
        "firmware.rooms.ask",  # a function
        "firmware.rooms._load",
        "firmware.ui.text.Text.__init__",  # a constructor
        "firmware.ui.text.Text.load",  # a method
        "firmware.rooms.NoRoom",  # an exception
        "firmware.storage.journal.StorageFault",
        "drivers.wifi.Wifi",  # a class that is being made, with a property
        "firmware.access.numbers.each",  # a generator
        "firmware.errands.about.run",  # a coroutine, of an errand that is gone again
        "firmware.rooms._followed",
        "drivers.flash.Flash.read",  # a driver, in the name of what it stands on
        "drivers.flash.Flash._check",  # a private method in a unit
    ],
)
def test_names_of_the_sources_stand_behind_those_of_the_device(read, name):
    assert any(
        name in line.rpartition("  (")[2].rstrip(")").split(" or ") for line in read.splitlines()
    ), read


def test_a_name_stands_for_one_thing_or_for_methods_of_one_name_in_several_classes():
    tables = device.house().legend().values()
    for several in (found.split(" or ") for table in tables for found in table.values()):
        assert len({full.rpartition(".")[2] for full in several}) == 1, several


def test_what_this_build_does_not_have_is_said_to_be_of_another(read):
    assert "not in this build" not in read
    unit = device.house().place("firmware.rooms")
    told = _told([f'  File "{unit}", line 1, in gone', f'  File "{unit}", line 1, in <lambda>'])
    assert told.splitlines() == [
        f'  File "{unit}", line 1, in gone  (not in this build: the device has another)',
        f'  File "{unit}", line 1, in <lambda>',
    ]


def test_a_console_names_its_build_and_is_read_with_the_names_of_that_one():
    """Another build's names lie beside: a line of the start decides which are taken."""
    built = device.ROOT / "build/device"
    head = (built / report.MANIFEST).read_text(encoding="utf-8").split()
    here = json.loads(names.beside(built).read_text(encoding="utf-8"))
    unit = device.house().place("firmware.rooms")
    there = {"build": "0" * 64, "code": {unit: {"a": "another.function"}}, "faults": {}}
    console = [f"build {head[1][:12]} {' '.join(head[2:])}\n", f'  File "{unit}", line 1, in a\n']
    assert here["build"] == head[1]
    assert list(names.told(["build 000000000000 so it was\n", console[1]], [here, there]))[1] == (
        f'  File "{unit}", line 1, in a  (another.function)\n'
    )
    assert "another.function" not in "".join(names.told(console, [there, here]))
    [said, _] = names.told(console, [there])
    assert said == f"{console[0].rstrip()}  (its names are not here: --names FILE)\n"


def test_names_that_cant_be_read_are_a_line(tmp_path):
    (tmp_path / "torn.json").write_text("{", encoding="utf-8")
    for given in ("torn.json", "nothing.json"):
        done = subprocess.run(
            [sys.executable, "-m", "tools.build.link", "--names", tmp_path / given],
            input="",
            capture_output=True,
            text=True,
            cwd=device.ROOT,
        )
        assert done.returncode == 1
        assert re.fullmatch(r"link: .+\n", done.stderr)
