"""A simulated terminal with a few lines of test firmware instead of the product's.

What runs is real MicroPython on the shims; the firmware prints what it saw, and the tests read the
serial line. Nothing here needs the built device.
"""

import asyncio
import contextlib
import json
import shutil

import pytest

from host_tests.conftest import DRIVER_LIBRARY, ROOT
from tools.simulator import interpreter
from tools.simulator.terminal import HEAP, SimulatedTerminal

NETWORKS = [
    {"ssid": "shop", "password": "secret words"},
    {"ssid": "cafe", "security": 0, "rssi": -70},
]
FACTS = {
    "board": "esp32-devkitc",
    "unique_id": "a4cf12345678",
    "acquirer": ["127.0.0.1", 1],
    "networks": NETWORKS,
}


@pytest.fixture
def bench(tmp_path, record_property):
    """Give `bench(story, main, boot="")`: play `await story(terminal)` on that firmware, beside
    which are the product's drivers and its room of cards if `drivers`. The home is the test's own
    directory, or `folder` in it.
    """
    try:
        interpreter.command()
    except interpreter.NoInterpreter as missing:
        pytest.skip(str(missing))
    record_property("interpreter", "micropython")

    def play(story, main, boot="", heap=HEAP, drivers=False, folder=""):
        home = tmp_path / folder
        root = home / "fs"
        root.mkdir(exist_ok=True)
        if drivers:
            shutil.copytree(ROOT / "drivers", root / "drivers")
            shutil.copytree(ROOT / "firmware/card", root / "firmware/card")
            shutil.copy(ROOT / "firmware/rooms.py", root / "firmware")  # drivers have overlays too
            shutil.copytree(DRIVER_LIBRARY, root / "lib", dirs_exist_ok=True)
        (root / "main.py").write_text(main)
        if boot:
            (root / "boot.py").write_text(boot)
        (home / "board.json").write_text(json.dumps(FACTS))
        asyncio.run(_play(story, home, heap))

    return play


async def _play(story, home, heap):
    terminal = SimulatedTerminal(home, heap=heap)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(terminal.close)
        await story(terminal)


async def printed(terminal, text, seconds=20):
    """Wait until a line of the serial console contains `text`; return the last such line."""
    lines = terminal.console.lines

    def found():
        return any(text in line for line in lines)

    assert await terminal.console.printed.wait_for(found, seconds), lines
    return next(line for line in reversed(lines) if text in line)
