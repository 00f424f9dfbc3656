"""Faults on the built device: each ends in a page, none in a loop of starts."""

import asyncio
import shutil
from pathlib import Path

import pytest

from host_tests.scenarios.test_scenarios import device  # noqa: F401 (a fixture)
from tools.build import mpy, report
from tools.build.device import house
from tools.simulator import scenario, workplace

PARTS = Path(__file__).parent / "parts"
STARTS = 3


def file(module):
    """Return the path on the device of a module's file."""
    return house().place(module).replace(".", "/") + ".mpy"


class Told:
    """What a story is told with: `play` takes the lines of a scenario, `part` the name of one."""

    def __init__(self, stage, home):
        self.stage = stage
        self.terminal = stage.terminal
        self._home = home

    async def play(self, text):
        path = self._home / "story.txt"
        path.write_text(text)
        await self.stage.play(scenario.load(path))

    async def part(self, name):
        await self.stage.play(scenario.load(PARTS / f"{name}.txt"))

    def replace(self, module, source):
        """Put `source` in the place of a module of the device, while it is off."""
        path = self.terminal.root / file(module)
        path.unlink()
        path.with_suffix(".py").write_text(source)
        report.manifest(self.terminal.root, mpy.host_arch())

    async def stays(self, boots, seconds=6):
        """The terminal does not start again."""
        await asyncio.sleep(seconds)
        assert self.terminal.boots == boots
        assert self.terminal.on


@pytest.fixture
def told(device, tmp_path, record_property):  # noqa: F811
    record_property("interpreter", "micropython")
    identity = workplace.prepare(tmp_path, device)

    async def begin(story):
        async with workplace.at_work(tmp_path, identity) as stage:
            await story(Told(stage, tmp_path))

    return lambda story: asyncio.run(begin(story))


def test_flash_that_takes_no_more_writes_is_a_page_at_once_and_the_start_after_it_works(told):
    async def story(it):
        await it.play("power on\nsee @idle.ready within 20\n")
        it.terminal.flash.worn.update(range(it.terminal.flash.sectors))
        await it.play(
            "press D\nsee @log_in.number\npress D\nsee @password.of\ntype 0000\npress D\n"
            "see @service.title within 20\nsee @service.stopped\n"
            'console "needs service, code 22"\n'
        )
        programmed = it.terminal.flash.operations
        await it.stays(1)
        assert it.terminal.flash.operations == programmed  # nothing is tried again and again
        it.terminal.flash.worn.clear()
        await it.play("power cycle\nsee @idle.ready within 20\n")

    told(story)


def test_key_storage_that_is_full_at_the_first_start_is_a_page_and_no_restart(told):
    async def story(it):
        it.terminal.nvs.full = True
        await it.play('power on\nsee @service.title within 20\nconsole "needs service, code 12"\n')
        await it.stays(1)
        it.terminal.nvs.full = False
        await it.play("power cycle\nsee @idle.ready within 20\n")

    told(story)


def test_key_storage_that_fills_later_ends_on_a_page_after_three_starts_at_most(told):
    async def story(it):
        await it.play("power on\nsee @idle.ready within 20\n")
        it.terminal.nvs.full = True
        await it.play(
            "link cut\nlink restore\npower cycle\nconsole 'needs service, code 12' within 60\n"
        )
        assert it.terminal.boots <= 1 + STARTS
        boots = it.terminal.boots
        await it.stays(boots)

    told(story)


@pytest.mark.parametrize(("state", "code"), [(None, 11), (bytes(529), 14)])
def test_keys_that_were_there_and_cannot_be_read_are_the_service_page_with_their_code(
    told, state, code
):
    async def story(it):
        await it.play("power on\nsee @idle.ready within 20\npower off\n")
        nvs = it.terminal.nvs
        nvs.erase("rebind", "dukpt")
        if state:
            assert not nvs.set("rebind", "dukpt", "B", state)
        nvs.commit()
        await it.play(
            f"power on\nsee @service.title within 20\nsee @service.stopped\nsee {code}\n"
            f'console "needs service, code {code}"\n'
        )
        assert it.terminal.boots == 2

    told(story)


def test_an_errand_that_fails_starts_the_terminal_again_once_and_is_closed_then(told):
    async def story(it):
        it.replace(
            "firmware.errands.bindings", "async def run(desk):\n    raise ValueError('x')\n"
        )
        await it.part("start")
        opened = "choose @menu.settings\nchoose @menu.accounts\nchoose @bindings.title\n"
        await it.play(opened + "console 'restart: reset' within 20\nsee @idle.ready within 20\n")
        await it.part("log_in_again")
        await it.play(opened + "see @closed.title\nsee 31\nsee bindings\nsee @closed.body\n")
        await it.stays(2)
        await it.play(
            "press D\nsee @menu.accounts\nchoose @change_records.title\nsee @change_records.none\n"
        )
        await it.play("press D\nchoose @bindings.title\nsee @closed.title\npress D\n")
        await it.play("see @menu.accounts\n")
        await it.stays(2, 1)

    told(story)


def test_an_errand_without_memory_says_busy_until_a_key_and_nobody_is_logged_out(told):
    async def story(it):
        it.replace(
            "firmware.errands.bindings",
            "async def run(desk):\n    [bytes(9999) for _ in range(99)]\n",
        )
        await it.part("start")
        await it.play(
            "choose @menu.settings\nchoose @menu.accounts\nchoose @bindings.title\n"
            "see @busy.title\nsee @busy.body\n"
        )
        await it.stays(1)
        await it.play(
            "see @busy.title\npress D\nsee @menu.accounts\nchoose @change_records.title\n"
        )
        await it.play("see @change_records.none\n")

    told(story)


def test_a_terminal_that_always_fails_stops_at_the_third_start_with_a_page(told):
    async def story(it):
        it.replace(
            "firmware.errands.idle", "async def run(desk):\n    raise KeyError('none.such')\n"
        )
        await it.play(
            'power on\nconsole "needs service, code 30" within 40\n'
            'console "the errand that failed last: idle"\n'
        )
        await it.stays(3)
        idle = file("firmware.errands.idle")
        it.terminal.root.joinpath(idle).with_suffix(".py").unlink()
        for path in (idle, report.MANIFEST):
            shutil.copy(workplace.device_root() / path, it.terminal.root / path)
        await it.play("power cycle\nsee @idle.ready within 20\n")

    told(story)


def test_a_background_task_that_fails_ends_on_a_page_too(told):
    async def story(it):
        it.replace("firmware.acquirer.sign_on", "async def run(sync):\n    raise AttributeError\n")
        await it.play('power on\nconsole "needs service, code 30" within 60\n')
        await it.stays(3)

    told(story)


def test_a_background_task_without_memory_comes_again_and_the_rest_works(told):
    async def story(it):
        it.replace("firmware.acquirer.sign_on", "async def run(sync):\n    raise MemoryError\n")
        await it.play("power on\nsee @idle.begin within 20\npress D\nsee @log_in.number\n")
        await it.stays(1)

    told(story)


def test_settings_that_are_damaged_are_a_page_and_the_console_says_provision(told):
    async def story(it):
        await it.play("power on\nsee @idle.ready within 20\npower off\n")
        it.terminal.root.joinpath("config.json").write_text('{"board": "esp32-dev')
        it.terminal._lead_to = lambda port: None
        await it.play('power on\nconsole "config.json can\'t be read" within 20\n')
        assert await it.terminal.changed.wait_for(lambda: any(it.terminal.panel.pixels), 10)
        assert not any("no page" in line for line in it.terminal.console.lines)
        await it.stays(2, 2)

    told(story)
