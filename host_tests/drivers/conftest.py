"""A board on the bench, and a time of its own in which nothing has to be waited for."""

import asyncio
import sys
import time
from pathlib import Path

import esp32
import machine
import network
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from acquirers import Certificates


class Moment:
    """The time that drivers see; `sleep_ms` moves it on at once."""

    def __init__(self):
        self.ms = 1000

    def ticks_ms(self):
        return self.ms & 0x3FFFFFFF

    def ticks_diff(self, later, earlier):
        return ((later - earlier + 0x20000000) & 0x3FFFFFFF) - 0x20000000

    def wait(self, ms):
        self.ms += ms

    def wait_us(self, us):
        pass

    async def sleep_ms(self, ms):
        self.ms += ms
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def moment(monkeypatch):
    """Give the drivers MicroPython's time functions, on virtual time."""
    moment = Moment()
    monkeypatch.setattr(time, "ticks_ms", moment.ticks_ms, raising=False)
    monkeypatch.setattr(time, "ticks_diff", moment.ticks_diff, raising=False)
    monkeypatch.setattr(time, "sleep_ms", moment.wait, raising=False)
    monkeypatch.setattr(time, "sleep_us", moment.wait_us, raising=False)
    monkeypatch.setattr(asyncio, "sleep_ms", moment.sleep_ms, raising=False)
    return moment


@pytest.fixture(autouse=True)
def bench():
    """Start every test with the power just on and nothing stored."""
    machine.power_on()
    esp32.power_on()
    network.power_on()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """Make certificates once for all tests."""
    return Certificates(tmp_path_factory.mktemp("certificates"))
