"""A board with parts missing: the terminal starts, says what is missing and offers what works."""

import asyncio

import pytest

from host_tests.scenarios.test_scenarios import device  # noqa: F401 (a fixture)
from tools.simulator import scenario, workplace
from tools.simulator.models.key_matrix import KEYS


@pytest.fixture
def told(device, tmp_path, record_property):  # noqa: F811
    """Give `told(story)`: `await story(play, terminal)` on a terminal that is off; `play` takes
    the lines of a scenario.
    """
    record_property("interpreter", "micropython")
    identity = workplace.prepare(tmp_path, device)

    def run(story):
        asyncio.run(_run(story, tmp_path, identity))

    return run


async def _run(story, home, identity):
    async with workplace.at_work(home, identity) as stage:

        async def play(text):
            path = home / "story.txt"
            path.write_text(text)
            await stage.play(scenario.load(path))

        await story(play, stage.terminal)


def test_without_a_panel_it_starts_says_so_and_shows_once_there_is_one(told):
    async def story(play, terminal):
        terminal.panel.fitted = False
        await play(
            'power on\nconsole "parts missing: oled"\nbooks 0 terminals counter=0 within 20\n'
        )
        terminal.panel.fitted = True
        await play("see oled within 20\nsee @idle.ready within 20\npress 1\nsee @log_in.title\n")

    told(story)


def test_without_a_keypad_it_starts_says_so_and_stays_in_step(told):
    async def story(play, terminal):
        terminal.board.keypad.fitted = False
        await play('power on\nconsole "parts missing: keypad"\nsee keypad\nsee @idle.ready\n')

    told(story)


def test_with_every_key_down_from_power_on_no_key_is_obeyed_until_all_were_up(told):
    async def story(play, terminal):
        for key in KEYS:
            terminal.keypad.down(key)
        await play("power on\nsee @idle.ready within 20\nsee @idle.key_stuck within 40\n")
        for key in KEYS:
            terminal.keypad.up(key)
        await play("not see @idle.key_stuck\npress 1\nsee @log_in.title\n")

    told(story)


def test_one_stuck_key_is_named_and_the_others_work(told):
    async def story(play, terminal):
        terminal.keypad.down("7")
        await play("power on\nsee @idle.key_stuck within 40\nsee 7\npress 1\nsee @log_in.title\n")

    told(story)


def test_without_a_card_reader_it_starts_and_keys_do_all(told):
    async def story(play, terminal):
        terminal.reader.fitted = False
        await play("power on\nsee @idle.ready within 20\npress 1\nsee @log_in.title\n")

    told(story)
