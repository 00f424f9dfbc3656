"""The bench of the heap: what the probe says on MicroPython, what is made of it, the search."""

import asyncio
import json
import subprocess
from types import SimpleNamespace

import pytest

from drivers.flash import Flash
from firmware.binding import model
from firmware.storage import state as store
from host_tests.simulator.conftest import FACTS
from tools.bench import heap
from tools.bench.inside.chip import Chip
from tools.bench.interpreter import run
from tools.simulator.interpreter import NoInterpreter, command
from tools.simulator.terminal import SimulatedTerminal


def _heard(*lines):
    heard = heap.Listener()
    for line in lines:
        heard.hear(line)
    return heard


@pytest.fixture
def probed(tmp_path, record_property):
    """Give `probed(main, **modules)`: a Listener that has heard `main` run under the probe."""
    try:
        device = command()
    except NoInterpreter as missing:
        pytest.skip(str(missing))
    record_property("interpreter", "micropython")

    def run(main, **modules):
        for name, text in modules.items():
            (tmp_path / f"{name}.py").write_text(text)
        (tmp_path / "heap_probe.py").write_bytes(heap._PROBE.read_bytes())
        done = subprocess.run(
            [*device, "-X", "heapsize=262144", "-c", heap._LISTEN + main],
            cwd=tmp_path,
            env={"MICROPYPATH": ".:.frozen"},
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return _heard(*done.stdout.splitlines())

    return run


def test_a_module_is_told_without_what_it_imports(probed):
    heard = probed(
        "import outer\n",
        outer="import inner\nsmall = bytearray(100)\n",
        inner="large = bytearray(5000)\n",
    )
    assert 5000 < heard.modules["inner"] < 5600
    assert 100 < heard.modules["outer"] < 700


def test_a_module_that_fails_to_load_leaves_the_count_of_the_others_right(probed):
    heard = probed(
        "try:\n    import outer\nexcept ImportError:\n    pass\nimport inner\n",
        outer="import inner\nimport nowhere\n",
        inner="large = bytearray(5000)\n",
    )
    assert 5000 < heard.modules["inner"] < 5600
    assert heard.modules.get("outer", 0) < 700


def test_what_becomes_alive_in_the_event_loop_is_seen_and_the_probe_is_not_counted(probed):
    heard = probed(
        "kept = []\n"
        "async def main():\n"
        "    await asyncio.sleep_ms(100)\n"
        "    kept.append(bytearray(20000))\n"
        "    await asyncio.sleep_ms(100)\n"
        "asyncio.run(main())\n"
    )
    floor = heard.figures["asyncio"]
    assert 20000 < heard.live["start"] - floor < 22000


def test_asyncios_late_parts_load_under_the_probe(probed):
    heard = probed("asyncio.Event, asyncio.Lock, asyncio.gather\n")
    assert {"asyncio.event", "asyncio.lock", "asyncio.funcs"} <= set(heard.modules)


def test_messages_are_told_apart_and_an_answer_is_applied_only_in_a_change():
    heard = _heard("HEAP asyncio 10", "HEAP loaded 110", "HEAP live 1100")
    heard.enter("idle")
    heard.hear("HEAP live 1200 apply")
    heard.hear("HEAP live 1900")
    heard.enter("submission")
    for line in ("1300 connect", "1400 send", "1500 answer", "1600 apply", "1700"):
        heard.hear(f"HEAP live {line}")
    heard.enter("result")
    assert heard.live == {
        "start": 1000, "apply": 1600, "idle": 1800, "submission": 1800,
        "connect": 1200, "send": 1300, "answer": 1400, "result": 1600,
    }  # fmt: skip


def test_where_the_memory_goes_adds_up_to_what_is_alive():
    heard = _heard(
        "HEAP bare 1000", "HEAP before 1100", "HEAP asyncio 4100", "HEAP loaded 5100",
        "qstr pool: n_pool=1, n_qstr=1, n_str_data_bytes=1, n_total_bytes=500",
        "HEAP module 700 firmware.ui.pages", "HEAP module 300 firmware.ui.menu",
        "HEAP module 200 unit", "HEAP here firmware.ui.pages unit", "HEAP live 9000",
        "qstr pool: n_pool=1, n_qstr=9, n_str_data_bytes=9, n_total_bytes=800",
    )  # fmt: skip
    heard.enter("idle")
    heard.bare += [11000, 1000]
    found = heap.account(heard, bare=600, mount=300)
    assert sum(found["idle"].values()) == found["peak_bytes"] == 8000
    assert (
        found["shims_bytes"] == 100 and found["rom_bytes"] == 10000 and found["names_bytes"] == 300
    )
    assert found["idle"]["code"] == 900
    assert found["rooms"] == {
        "firmware/ui": {"stays": 700, "on_demand": 300, "largest_on_demand": 300},
        "unit": {"stays": 200, "on_demand": 0, "largest_on_demand": 0},
    }


@pytest.mark.parametrize("needed", [70_001, 70_144, 90_000])
def test_the_smallest_heap_is_found_to_a_step(needed):
    async def passes(size):
        return size >= needed

    found = asyncio.run(heap.smallest(70_000, passes))
    assert found - heap.STEP < needed <= found


def test_a_firmware_that_fits_nowhere_is_said_to():
    async def passes(size):
        return False

    with pytest.raises(LookupError):
        asyncio.run(heap.smallest(70_000, passes))


def test_a_single_failure_of_five_is_a_miss_and_so_is_a_scenario_without_room():
    assert heap.missed({"passed_at_goal": {"empty": 5, "full": 5}}) == []
    scenarios = {"guide": heap.GOAL, "guide, full": heap.GOAL, "demo": heap.ROOM}
    found = {"passed_at_goal": {"empty": 5, "full": 5}, "scenarios": scenarios}
    assert heap.missed(found) == []
    for worse in ({"guide": heap.ROOM}, {"guide, full": heap.ROOM}, {"demo": None}):
        assert len(heap.missed(found | {"scenarios": scenarios | worse})) == 1
    assert len(heap.missed({"passed_at_goal": {"empty": 5, "full": 4}})) == 1


def test_a_full_state_has_every_slot_with_its_backup_and_starts_again(tmp_path, record_property):
    record_property("interpreter", "micropython")
    token_key = bytes(range(16))
    image = tmp_path / "flash.bin"
    (made,) = run("full", image, token_key.hex())
    tlvs = [bytes.fromhex(one) for _, one in made["bindings"]]
    assert [slot for slot, _ in made["bindings"]] == [1, 2, 3, 4] and len(set(tlvs)) == 4
    assert set(map(len, tlvs)) == {model.BINDING_MAX}

    held = {name: bytes.fromhex(value) for name, value in made["entries"].items()}
    chip = Chip(64)
    chip.image[:] = image.read_bytes()
    state = store.State(Flash(chip), SimpleNamespace(get_bytes=held.get), None)
    assert [state.binding(slot) for slot in (1, 2, 3, 4)] == tlvs
    assert all(state.backup(slot) not in (None, *tlvs) for slot in (1, 2, 3, 4))
    operators = [state.get(store.OPERATOR + index) for index in range(store.OPERATORS)]
    assert operators[:2] == [None, None] and None not in operators[2:]
    assert len(state.change_records()) >= 1


@pytest.mark.memory
@pytest.mark.parametrize("rom", [True, False])
def test_the_chips_modules_take_memory_only_without_its_rom(rom, tmp_path, record_property):
    record_property("interpreter", "micropython")
    (tmp_path / "fs").mkdir()
    (tmp_path / "fs" / "boot.py").write_text("import gc\ngc.collect()\nprint(gc.mem_alloc())\n")
    (tmp_path / "board.json").write_text(json.dumps(FACTS))

    async def alive():
        terminal = SimulatedTerminal(tmp_path, heap=heap.ROOM, rom=rom)
        try:
            await terminal.power_on()
            lines = terminal.console.lines
            await terminal.console.printed.wait_for(lambda: lines, 20)
            return int(lines[0])
        finally:
            await terminal.close()

    assert (asyncio.run(alive()) < 8000) == rom
