"""The ways of a key press and of a request are those that docs/architecture.md tells.

Every file of ours that runs is on the list, in the order in which it is first come to, or named
there among what lies beneath; and a list is short enough to be read.
"""

import asyncio
import re
import sys
import time
from pathlib import Path
from unittest import mock

import machine
import pytest

from drivers.keypad import Keypad
from drivers.oled import Oled
from firmware.binding import model
from firmware.errands import draft as drafts
from firmware.ui.canvas import Canvas
from firmware.ui.font import Font
from firmware.ui.keys import SUBMIT
from firmware.ui.pages import Pages
from firmware.ui.text import Text
from host_tests.crash import life
from host_tests.crash.bodies import CPython
from host_tests.crash.explorer import Explorer
from host_tests.errands.leading import led
from host_tests.ui import stage

ROOT = Path(__file__).resolve().parents[2]
MOST = 14


def told(heading):
    """Return (the files of the list under `heading` in their order, what is said to lie beneath).

    Of what lies beneath a name that ends in / stands for the whole folder.
    """
    text = (ROOT / "docs/architecture.md").read_text("utf-8")
    [part] = re.findall(rf"^### {heading}\n(.+?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE)
    [beneath] = re.findall(r"^Beneath: (.+?)(?=\n\n|\Z)", part, re.DOTALL | re.MULTILINE)
    return re.findall(r"^\d+\. `(\S+)`: ", part, re.MULTILINE), re.findall("`(.+?)`", beneath)


class Footprints:
    """The files of ours that run while it is on, in the order in which each is first come to."""

    def __init__(self):
        self.files = []

    def begin(self, frame=None):
        """Look from now on; `frame`: what goes on next."""
        if frame is not None:
            self._called(frame, "call", None)
        sys.setprofile(self._called)

    def end(self):
        sys.setprofile(None)

    def _called(self, frame, event, argument):
        code = frame.f_code
        path = Path(code.co_filename)
        if event != "call" or code.co_name == "<module>" or not path.is_relative_to(ROOT):
            return
        inside = path.relative_to(ROOT).as_posix()
        if inside.startswith(("drivers/", "firmware/")) and inside not in self.files:
            self.files.append(inside)

    def but(self, beneath):
        """Return those that are not beneath, and what of it was never come to."""
        found = [path for path in self.files if not any(map(path.startswith, beneath))]
        unused = [
            name for name in beneath if not any(path.startswith(name) for path in self.files)
        ]
        return found, unused


@pytest.fixture
def footprints():
    found = Footprints()
    yield found
    found.end()


class Person(life.Pages):
    """Agrees to every page, and has the owner's code; who looks is told of the review."""

    def __init__(self, world, reviewed):
        self._world = world
        self._reviewed = reviewed

    async def review(self, title, rows, at=0):
        self._reviewed(sys._getframe().f_back)
        return SUBMIT

    async def consent(self, title, rows):
        return True

    async def digits(self, title, label, *others):
        return bytearray(self._world.owner_code())


FIELDS = {
    model.NAME: "上海示例商贸有限公司".encode(),
    model.KIND: b"\1",
    model.ACCOUNT: b"6222020200112233445",
    model.CNAPS: b"102100099996",
}


def counter(footprints):
    """The till of a life, with a person who submits a form that is filled in."""

    class Counter(life.Till):
        def open(self, name, *args):
            if name == "preparation":
                return self._prepared(args[-1])
            if name == "outcome":
                footprints.end()
            return super().open(name, *args)

        async def _prepared(self, ready):
            return ready

        async def do_change(self):
            await self.reached()
            self.operator = life.OPERATOR
            self.pages = Person(self.world, footprints.begin)
            draft = drafts.begin(self, model.CHANGE_ACCOUNT, 1)
            draft[drafts.REASON] = 4
            for tag, value in FIELDS.items():
                drafts.put(draft, tag, value)
            await led(self, self.open("change_account"))

    return Counter


def test_a_request_from_the_review_page_to_the_change_record(footprints):
    way, beneath = told("The way of a request")
    explorer = Explorer("change accepted", CPython())
    with mock.patch.object(life, "Till", counter(footprints)):
        lived = explorer.again()
    assert explorer.broken(lived) == []
    explorer.close()
    assert footprints.but(beneath) == (way, [])
    assert len(way) <= MOST


ROWS = (13, 14, 27, 26)
COLUMNS = (25, 33, 32, 23)
FIVE = (ROWS[1], COLUMNS[1])


class Moment:
    """The time of the drivers: it goes on when somebody waits."""

    def __init__(self):
        self.ms = 1000

    def ticks_ms(self):
        return self.ms

    def ticks_diff(self, later, earlier):
        return later - earlier

    async def sleep_ms(self, ms):
        self.ms += ms
        await asyncio.sleep(0)


async def typed(footprints):
    """Press 5 where an account's number is wanted; return what the panel shows then."""
    keypad = Keypad(
        [machine.Pin(number, machine.Pin.OPEN_DRAIN, value=1) for number in ROWS],
        [machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP) for number in COLUMNS],
    )
    oled, assets = Oled(machine.I2C(0, sda=None, scl=None)), stage.assets()
    pages = Pages(Canvas(oled, Font(assets / "font.bin")), keypad, Text(assets / "zh.bin"))
    field = pages.digits("change.title", "field.account", 8, 17)
    tasks = [asyncio.create_task(keypad.run()), asyncio.create_task(field)]
    await asyncio.sleep_ms(200)
    await stage.settle()
    before = bytes(oled.buffer)
    footprints.begin()
    machine.press(*FIVE)
    await stage.settle()
    machine.release(*FIVE)  # a long press would be another key
    for _ in range(100):
        if bytes(oled.buffer) == before:
            await asyncio.sleep_ms(8)
    footprints.end()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return "".join(stage.reader().read(bytes(oled.buffer)))


def test_a_key_press_from_the_matrix_to_the_panel(footprints, monkeypatch):
    way, beneath = told("The way of a key press")
    moment = Moment()
    machine.power_on()
    for name in ("ticks_ms", "ticks_diff"):
        monkeypatch.setattr(time, name, getattr(moment, name), raising=False)
    monkeypatch.setattr(asyncio, "sleep_ms", moment.sleep_ms, raising=False)
    monkeypatch.setattr(time, "sleep_us", lambda us: None, raising=False)
    assert "1/17" in asyncio.run(typed(footprints))
    assert footprints.but(beneath) == (way, [])
    assert len(way) <= MOST
