"""The terminal's process on real MicroPython: start, restart, and what a power cut leaves."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from host_tests.simulator.conftest import printed
from tools.simulator.terminal import HEAP, SimulatedTerminal
from tools.toolchain import clock


def test_boot_and_main_run_as_main_in_the_chips_path(bench):
    async def story(terminal):
        await terminal.power_on()
        assert await printed(terminal, "path") == "path ['', '.frozen', '/lib'] __main__ 7"
        assert await printed(terminal, "unique") == "unique a4cf12345678 1"

    bench(
        story,
        "import sys, machine\nprint('path', sys.path, __name__, seven)\n"
        "print('unique', machine.unique_id().hex(), machine.reset_cause())",
        boot="seven = 7",
    )


def test_an_exception_in_boot_ends_in_the_repl_and_the_repl_answers(bench):
    async def story(terminal):
        await terminal.power_on()
        await printed(terminal, "ValueError: broken")
        await printed(terminal, "MicroPython ")
        terminal.console.write(b"print(6 * 7)\r")
        await printed(terminal, "42")
        assert not any("main ran" in line for line in terminal.console.lines)

    bench(story, "print('main ran')", boot="raise ValueError('broken')")


async def _forgets_the_time(terminal):
    await terminal.power_on()
    await printed(terminal, "boot 1 2000")
    await printed(terminal, "boot 2 2031")
    await terminal.power_off()
    terminal.console.lines.clear()
    await terminal.power_on()
    await printed(terminal, "boot 1 2000")


def test_the_clock_starts_in_2000_and_survives_a_reset_but_not_a_power_cut(bench):
    bench(
        _forgets_the_time,
        "import machine\n"
        "print('boot', machine.reset_cause(), machine.RTC().datetime()[0])\n"
        "if machine.reset_cause() == 1:\n"
        "    machine.RTC().datetime((2031, 5, 4, 6, 3, 2, 1, 0))\n"
        "    machine.reset()\n",
    )


def test_the_c_library_which_judges_certificates_has_the_boards_clock(bench):
    if clock.command() is None:
        pytest.skip("there is no libfaketime: the interpreter has this machine's clock")

    async def story(terminal):
        await _forgets_the_time(terminal)
        number = terminal.pid
        await terminal.power_off()  # the process had no chance to tidy up
        assert [
            path for path in shared.glob("*faketime*") if path.name.endswith(f"_{number}")
        ] == []

    shared = Path("/dev/shm")  # noqa: S108 (of Linux, whoever uses it)
    bench(
        story,
        "import machine, time\n"
        "print('boot', machine.reset_cause(), time.gmtime()[0])\n"
        "if machine.reset_cause() == 1:\n"
        "    machine.RTC().datetime((2031, 5, 4, 6, 3, 2, 1, 0))\n"
        "    machine.reset()\n",
    )


def test_a_watchdog_that_is_not_fed_restarts_the_terminal(bench):
    async def story(terminal):
        await terminal.power_on()
        await printed(terminal, "cause 3")
        assert terminal.boots == 2

    bench(
        story,
        "import machine, time\n"
        "print('cause', machine.reset_cause())\n"
        "if machine.reset_cause() == 1:\n"
        "    dog = machine.WDT(timeout=400)\n"
        "    for _ in range(6):\n"
        "        time.sleep_ms(150)\n"
        "        dog.feed()\n"
        "    print('fed')\n"
        "    time.sleep(5)\n"
        "    print('never')\n",
    )


def test_leaving_the_repl_and_system_exit_are_soft_resets(bench):
    async def story(terminal):
        await terminal.power_on()
        await printed(terminal, "cause 1")
        await printed(terminal, "cause 5")
        await printed(terminal, "MicroPython ")
        terminal.console.lines.clear()
        terminal.console.write(b"\x04")
        await printed(terminal, "cause 5")
        assert terminal.boots == 3

    bench(
        story,
        "import machine, sys\nprint('cause', machine.reset_cause())\n"
        "if machine.reset_cause() == 1:\n    sys.exit()\n",
    )


def test_an_interpreter_that_breaks_is_told_and_not_restarted(bench):
    async def story(terminal):
        died = []
        terminal.died.connect(died.append)
        await terminal.power_on()
        await printed(terminal, "running")
        os.kill(terminal.pid, signal.SIGSEGV)
        assert await terminal.changed.wait_for(lambda: died, 10)
        assert died == [-signal.SIGSEGV] and not terminal.on

    bench(story, "print('running')\nimport time\ntime.sleep(30)")


def test_a_home_belongs_to_one_process(bench, tmp_path):
    async def story(terminal):
        with pytest.raises(RuntimeError):
            SimulatedTerminal(tmp_path)

    bench(story, "")


@pytest.mark.memory
def test_the_heap_is_the_firmwares(bench):
    async def story(terminal):
        await terminal.power_on()
        line = await printed(terminal, "heap")
        _, used, whole = line.split()
        assert int(whole) <= 65536
        # The interpreter and the mounted file system; the chip's own modules are in its ROM.
        assert int(used) < 2048

    bench(
        story,
        "import gc\ngc.collect()\nprint('heap', gc.mem_alloc(), gc.mem_alloc() + gc.mem_free())",
        heap=65536,
    )


@pytest.mark.memory
def test_the_chips_modules_and_their_names_take_nothing_of_the_heap(bench):
    async def story(terminal):
        await terminal.power_on()
        assert await printed(terminal, "outside") == "outside False True True True"
        assert await printed(terminal, "names") == "names 0"

    bench(
        story,
        "import gc, machine, network\n"
        "near = id(bytearray(1))\n"
        "def outside(thing):\n"
        "    return abs(id(thing) - near) > 65536\n"
        "pin = machine.Pin(5)\n"
        "print('outside', outside([]), outside(machine), outside(machine.Pin), outside(pin))\n"
        "def used():\n"
        "    gc.collect()\n"
        "    return gc.mem_alloc()\n"
        "def taken():\n"
        "    before = used()\n"
        "    for name in 'OPEN_DRAIN', 'writevto', 'get_blob', 'STAT_GOT_IP':\n"
        "        getattr(machine, name, None)\n"
        "    return used() - before\n"
        "print('names', taken())\n",
        heap=65536,
    )


@pytest.mark.memory
def test_the_chips_modules_outlive_every_collection_and_a_full_heap(bench):
    async def story(terminal):
        await terminal.power_on()
        assert await printed(terminal, "still") == "still 300 1000 [60]"

    bench(
        story,
        "import gc, machine, network\n"
        "class Names:\n    pass\n"
        "names = Names()\n"
        "for i in range(300):\n"  # the tables of names go on in the heap
        "    setattr(names, 'made_up_%d' % i, i)\n"
        "    gc.collect()\n"
        "full = []\n"
        "try:\n"
        "    while True:\n        full.append(bytearray(20))\n"
        "except MemoryError:\n    del full\n"
        "found = machine.I2C(0, scl=machine.Pin(22), sda=machine.Pin(21)).scan()\n"
        "print('still', len(dir(names)) - len(dir(Names())), network.STAT_IDLE, found)\n",
        heap=65536,
    )


def test_power_off_kills_at_once_and_flash_and_committed_nvs_survive(bench):
    async def story(terminal):
        await terminal.power_on()
        await printed(terminal, "first")
        await terminal.power_off()
        assert not terminal.on
        await terminal.power_on()
        assert await printed(terminal, "second") == "second b'kept' b'\\x0f\\xff' -4354"

    bench(
        story,
        "import esp32, time\n"
        "nvs = esp32.NVS('rebind')\n"
        "flash = esp32.Partition.find(esp32.Partition.TYPE_DATA, label='journal')[0]\n"
        "buf = bytearray(4)\n"
        "try:\n"
        "    n = nvs.get_blob('key', buf)\n"
        "    two = bytearray(2)\n"
        "    flash.readblocks(3, two, 100)\n"
        "    try:\n"
        "        nvs.get_blob('loose', buf)\n"
        "    except OSError as error:\n"
        "        print('second', bytes(buf[:n]), bytes(two), error.errno)\n"
        "except OSError:\n"
        "    nvs.set_blob('key', b'kept')\n"
        "    nvs.commit()\n"
        "    nvs.set_blob('loose', b'gone')\n"
        "    flash.writeblocks(3, b'\\x0f', 100)\n"
        "    print('first')\n"
        "    time.sleep(30)\n",
    )


def test_a_file_that_was_written_survives_until_the_board_is_flashed_with_others(bench, tmp_path):
    async def story(terminal):
        await terminal.power_on()
        await printed(terminal, "there ['main.py']")
        await printed(terminal, "written")
        await terminal.power_off()
        await terminal.power_on()
        await printed(terminal, "there ['main.py', 'note']")
        await terminal.power_off()
        (tmp_path / "fs" / "other").write_text("")
        await terminal.power_on()
        await printed(terminal, "there ['main.py', 'other']")

    bench(
        story,
        "import os\n"
        "print('there', sorted(os.listdir()))\n"
        "with open('note', 'w') as file:\n    file.write('kept')\n"
        "print('written')\n",
    )


def test_the_supply_fails_inside_a_flash_write(bench):
    async def story(terminal):
        died = []
        terminal.died.connect(died.append)
        terminal.flash.cut_power_at(2, kept=3)
        await terminal.power_on()
        assert await terminal.changed.wait_for(lambda: died, 20)
        assert not any("never" in line for line in terminal.console.lines)
        assert terminal.flash.read(0, 0, 8) == b"\0\0\0\0\0\0\0\xff"

    bench(
        story,
        "import esp32, time\n"
        "flash = esp32.Partition.find(esp32.Partition.TYPE_DATA, label='journal')[0]\n"
        "flash.writeblocks(0, bytes(4), 0)\n"
        "flash.writeblocks(0, bytes(4), 4)\n"
        "print('never')\n",
    )


def test_closing_twice_and_cutting_power_while_starting_leaves_nothing_running(bench):
    async def story(terminal):
        for pause in (0, 0.01, 0.05, 0.1):
            await terminal.power_on()
            process = terminal._process
            await asyncio.sleep(pause)
            await terminal.power_off()
            await terminal.power_off()
            assert process.returncode is not None

    bench(story, "import time\ntime.sleep(30)")


@pytest.mark.parametrize(
    ("heap", "main", "said"),
    [
        (HEAP - 1, "raise ValueError", f"HEAP={HEAP}"),
        (HEAP, "bytes(2000000)", f"HEAP={2 * HEAP}"),
        (HEAP, "raise ValueError", None),
    ],
)
def test_a_firmware_that_ends_for_want_of_memory_is_told_how_much_to_give_it(
    bench, heap, main, said
):
    heard = []

    async def story(terminal):
        terminal.starved.connect(heard.append)
        await terminal.power_on()
        await printed(terminal, "MicroPython ")
        assert len(heard) == bool(said)
        assert said is None or heard[0].endswith(said)

    bench(story, main, heap=heap)
