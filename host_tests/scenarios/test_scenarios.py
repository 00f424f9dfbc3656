"""Every scenario of this folder: the built device under MicroPython, a fresh acquirer."""

import asyncio
from pathlib import Path

import pytest

from tools.acquirer import office
from tools.simulator import interpreter, scenario, workplace

HERE = Path(__file__).parent
KEYS_OF_A_CARD = 75  # from log-in to submission, when it is swiped
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
    assert stage.presses["card"] <= KEYS_OF_A_CARD


END = """
pass "@result.log_in_again"
books 1 bindings slot=1 number=100123*6543
see "@idle.ready" within 20
"""


def test_the_guide_s_change_in_english(device, tmp_path, record_property):
    record_property("interpreter", "micropython")
    identity = workplace.prepare(tmp_path, device)

    async def story():
        async with workplace.at_work(tmp_path, identity) as stage:
            for part in ("start", "to_english"):
                await stage.play(scenario.load(HERE / "parts" / f"{part}.txt"))
            english = scenario.Stage(
                stage.terminal, identity, stage.acquirer, office, language="en"
            )
            await english.play(scenario.load(HERE / "parts" / "guide.txt"))
            seen = "".join(await english.lines())
            assert not any(ord(sign) > 0x2E7F for sign in seen), seen
            end = tmp_path / "end.txt"
            end.write_text(END, encoding="utf-8")
            await english.play(scenario.load(end))
            await english.close()

    asyncio.run(story())
