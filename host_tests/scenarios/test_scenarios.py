"""Every scenario of this folder: the built device under MicroPython, a fresh acquirer."""

import asyncio
from pathlib import Path

import pytest

from tools.simulator import interpreter, scenario, workplace

HERE = Path(__file__).parent
UNBOUND = ("first_account",)  # what begins with nothing bound


@pytest.fixture(scope="session")
def device():
    """The built device; skips where there is no interpreter to run it."""
    try:
        interpreter.command()
    except interpreter.NoInterpreter as missing:
        pytest.skip(str(missing))
    return workplace.device_root()


@pytest.mark.parametrize("path", sorted(HERE.glob("*.txt")), ids=lambda path: path.stem)
def test_scenario(path, device, tmp_path, record_property):
    record_property("interpreter", "micropython")
    statements = scenario.load(path)
    bound = {"account": None} if path.stem in UNBOUND else {}
    identity = workplace.prepare(tmp_path, device, **bound)
    asyncio.run(_play(tmp_path, identity, statements))


async def _play(home, identity, statements):
    async with workplace.at_work(home, identity) as stage:
        await stage.play(statements)
