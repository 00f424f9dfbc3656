"""A board on the bench, and a time of its own in which nothing has to be waited for."""

import asyncio
import os
import ssl
import subprocess
import sys
import time
from pathlib import Path

import esp32
import machine
import network
import pytest

from host_tests.conftest import ROOT
from tools.simulator.interpreter import command, facts, heap
from tools.toolchain import clock

sys.path.insert(0, str(Path(__file__).parent))
import acquirers

HEAP = heap() + 12 * 1024


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
    return acquirers.Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def line(certificates, record_property, tmp_path):
    """Return a function that runs the probe: (code, milliseconds, free bytes, time) per round.

    since: where the terminal's clock stands that lost the time; None: it has this machine's.
    folder: with certificates and keys, instead of those of `kind`.
    """
    record_property("interpreter", "micropython")
    servers = []

    def run(
        action, behaviour, kind="plain", name=acquirers.NAME, rounds=1, limit=10000, **options
    ):
        folder = options.pop("folder", None) or certificates.folder(kind)
        largest = options.pop("largest", 60000)
        less = not facts()["getpeercert"]  # MicroPython's own choice of what mbedTLS has
        if less and options.get("version") == ssl.TLSVersion.TLSv1_3:
            pytest.skip("this MicroPython has no TLS 1.3")
        watched = options.pop("watched", less)
        port = options.pop("port", None)
        host = options.pop("host", "127.0.0.1")
        since = options.pop("since", None)
        if port is None:
            servers.append(acquirers.Acquirer(folder, behaviour, **options))
            port = servers[-1].port
        program = command() if since is None else clock.command()
        if program is None:
            pytest.skip("there is no libfaketime: the interpreter has this machine's clock")
        ahead = "" if since is None else str(tmp_path / "ahead")
        if ahead:
            clock.set_ahead(tmp_path / "ahead", 0)
        probe = Path(__file__).with_name("link_probe.py")
        finished = subprocess.run(
            [
                *(*program, "-X", f"heapsize={HEAP}", probe, folder),
                *(host, str(port), name, action, str(rounds), str(limit), str(largest)),
                *(ahead, str(since)),
                *(["watched"] if watched else []),
            ],
            env={**os.environ, "MICROPYPATH": f"{ROOT}:.frozen", clock.FILE: ahead},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return [tuple(map(int, row.split())) for row in finished.stdout.splitlines()]

    run.servers = servers
    yield run
    for server in servers:
        server.close()
