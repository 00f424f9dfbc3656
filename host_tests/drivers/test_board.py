"""Boards built from their tables, parts missing, and what boot.py and main.py do with them."""

import asyncio
import gc
import json
import os
import runpy
import sys
import types
from pathlib import Path

import esp32
import machine
import network
import pytest

from drivers import board
from drivers.pins import PINS
from drivers.wifi import OFF, Wifi
from firmware.storage.journal import FLASH_FULL, StorageFault
from tools.build import report

ROOT = Path(__file__).resolve().parents[2]
BOARDS = sorted(PINS)
CONFIG = {
    "board": "esp32-devkitc",
    "host": "acquirer.test",
    "port": 8583,
    "server_name": "acquirer.test",
    "wifi": {"ssid": "shop"},
}
STRAPPING = {"esp32-devkitc": {0, 2, 5, 12, 15}, "esp32-oled": {0, 2, 5, 12, 15}}
STRAPPING["esp32-s3-devkitc"] = {0, 3, 45, 46}
FLASH = {"esp32-devkitc": set(range(6, 12)), "esp32-oled": set(range(6, 12))}
FLASH["esp32-s3-devkitc"] = set(range(26, 38))


@pytest.fixture
def device(certificates, tmp_path, monkeypatch):
    """Provision a device: files in the working directory, entries in NVS, a journal partition."""
    folder = certificates.folder("plain")
    (tmp_path / "certs").mkdir()
    for name, path in (("ca.der", "ca.der"), ("terminal.der", "terminal.der")):
        (tmp_path / "certs" / path).write_bytes((folder / name).read_bytes())
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    report.manifest(tmp_path, "none")
    esp32.NVS.stored["rebind"] = {
        "tls_key": (folder / "key.der").read_bytes(),
        "wifi_psk": "密码 8 zeichen".encode(),
    }
    esp32.Partition.fit("journal", 16)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", BOARDS)
def test_every_part_is_built(device, name):
    made = board.build({**CONFIG, "board": name})
    assert made.name == name
    assert made.faults == made.notes == []
    assert made.flash.sectors == 16
    assert made.wifi.psk == "密码 8 zeichen"
    assert len(made.random(9)) == 9


@pytest.mark.parametrize("name", BOARDS)
def test_no_pin_is_used_twice_or_belongs_to_the_chip(name):
    rows, columns, bus, reader, buzzer = PINS[name]
    pins = [*rows, *columns, *bus, *reader[1:], buzzer]
    assert len(set(pins)) == len(pins)
    assert not set(pins) & FLASH[name]
    if name != "esp32-oled":
        assert not set(pins) & STRAPPING[name]
    assert not set(columns) & STRAPPING[name]
    if name != "esp32-s3-devkitc":
        assert all(pin < 34 for pin in (*rows, *columns, *bus, reader[2], buzzer))


def test_a_board_with_nothing_on_it_is_built_all_the_same(device, monkeypatch):
    machine.I2C.answering = set()
    esp32.Partition.chips = {}
    esp32.NVS.broken = True
    for column in PINS["esp32-devkitc"][1]:
        machine.ground(column)
    for name in os.listdir("certs"):
        os.remove(f"certs/{name}")
    made = board.build(CONFIG)
    assert sorted(made.faults) == ["keypad", "keystore", "oled"]
    assert made.keystore is None


def test_without_a_partition_the_journal_is_kept_in_files_and_that_is_noted(device):
    esp32.Partition.chips = {}
    made = board.build(CONFIG)
    assert made.faults == []
    assert made.notes == ["files"]
    made.flash.program(3, 0, b"kept")
    assert os.listdir("journal") == ["03"]


def test_without_a_partition_and_without_room_for_files_the_flash_is_missing(device):
    esp32.Partition.chips = {}
    (device / "journal").write_bytes(b"")
    made = board.build(CONFIG)
    assert made.faults == ["flash"]
    assert made.flash is None


def test_the_clock_is_not_before_the_terminals_certificate(device, certificates):
    assert board.build(CONFIG).clock.now() >= int(certificates.issued.timestamp())


def test_the_watchdog_is_fed_only_once_started(device):
    made = board.build(CONFIG)
    made.feed()
    made.start_watchdog(45000)
    made.feed()
    (watchdog,) = machine.WDT.started
    assert (watchdog.timeout, watchdog.fed) == (45000, 1)


def test_reset_resets(device):
    with pytest.raises(machine.Reset):
        board.build(CONFIG).reset()


@pytest.fixture(autouse=True)
def _threshold(monkeypatch):
    monkeypatch.setattr(gc, "threshold", lambda amount: None, raising=False)  # MicroPython's


def test_without_a_card_reader_the_heap_grows_by_a_spare_uart_that_is_given_back(
    device, monkeypatch
):
    built = []
    given_back = []

    class Uart(machine.UART):
        def __init__(self, number, **options):
            if number == PINS["esp32-devkitc"][3][0]:
                raise ValueError("no such pins")
            super().__init__(number, **options)
            built.append((number, self))

        def deinit(self):
            given_back.append(self)

    grown = []
    monkeypatch.setattr(machine, "UART", Uart)
    monkeypatch.setattr(board, "grow", lambda uart: grown.append(uart) or bytearray(1))
    made = board.build(CONFIG)
    assert made.faults == ["magstripe"] and made.magstripe is None
    assert [number for number, _ in built] == [1]
    assert grown == given_back == [built[0][1]]
    assert made.grown


@pytest.mark.parametrize("fault", [OSError(0x101), RuntimeError("Wifi Unknown Error 0x0101")])
def test_a_radio_that_fails_at_the_start_keeps_nothing_else_from_starting(device, fault):
    network.WLAN.broken = fault
    made = board.build(CONFIG)
    assert made.faults == []
    assert not made.wifi.connected
    assert asyncio.run(made.wifi.connect(1000)) == OFF


def test_a_network_of_the_life_before_is_left_at_the_start(device, monkeypatch):
    network.WLAN.air = {"shop": ("correct horse", 3)}
    asyncio.run(Wifi("shop", "correct horse").connect(15000))
    before = network.WLAN.made
    same = types.SimpleNamespace(WLAN=lambda interface: before, STA_IF=0)  # the chip has one
    monkeypatch.setattr(board, "network", same)
    made = board.build(CONFIG)
    assert made.wifi.wlan is before and before.active()
    assert not made.wifi.connected


@pytest.fixture
def faults(monkeypatch):
    """The exceptions whose tracebacks are printed."""
    printed = []
    monkeypatch.setattr("sys.print_exception", printed.append, raising=False)
    return printed


def _boot():
    return runpy.run_path(str(ROOT / "boot.py"))


def _main(namespace):
    """Run main.py as the chip does, in the namespace that boot.py leaves."""
    left = {name: namespace[name] for name in ("damaged", "starts", "whole") if name in namespace}
    runpy.run_path(str(ROOT / "main.py"), left)


WHOLE = {"damaged": [], "starts": 1, "whole": True}


@pytest.mark.parametrize("held", [True, False])
def test_a_held_star_keeps_the_repl_and_nothing_held_starts_the_terminal(
    device, faults, monkeypatch, capsys, held
):
    built = []
    monkeypatch.setitem(sys.modules, "drivers.board", board)
    monkeypatch.setattr("drivers.board", board, raising=False)
    monkeypatch.setattr(board, "build", lambda config: built.append(config) or 1 / 0)
    rows, columns = PINS["esp32-devkitc"][:2]
    if held:
        machine.press(rows[3], columns[0])
    _main(_boot())
    assert ("maintenance" in capsys.readouterr().out) == held
    assert bool(built) == bool(faults) == (not held)


@pytest.mark.parametrize("left", [{}, {"starts": 1}, {"damaged": None, "starts": 4}])
def test_without_what_boot_found_nothing_of_the_build_is_run(device, monkeypatch, capsys, left):
    for module in [name for name in sys.modules if name.partition(".")[0] == "drivers"]:
        monkeypatch.setitem(sys.modules, module, None)
    _main(left)
    assert capsys.readouterr().out.endswith("to repair it: make flash PORT=...\n")


@pytest.fixture
def page(monkeypatch):
    """The lines of text drawn on the panel, by whichever driver, at their rows."""
    lines = {}

    def text(panel, words, x, y, colour=1):
        assert x + 8 * len(words) <= 128 and y <= 56
        lines[y] = words.strip()

    monkeypatch.setattr("framebuf.FrameBuffer.text", text, raising=False)
    return lines


def _terminal_that_raises(monkeypatch, fault):
    class Terminal:
        def __init__(self, hardware, config):
            raise fault

    module = types.ModuleType("firmware.terminal")
    module.Terminal = Terminal
    monkeypatch.setitem(sys.modules, "firmware.terminal", module)


def test_a_device_without_files_boots_to_a_message_and_the_page_finds_its_panel(
    device, faults, page, capsys
):
    (device / "config.json").unlink()
    _main(_boot())
    assert [type(fault) for fault in faults] == [FileNotFoundError]
    said = capsys.readouterr().out
    assert "it has no config.json: it has to be provisioned" in said
    assert "make flash PORT=" in said and "the key * held at power-on" in said
    assert page[0] == "NEEDS SERVICE"  # of the boards with this chip the first whose panel answers


def test_settings_that_are_damaged_are_told_apart_from_none(device, faults, page, capsys):
    (device / "config.json").write_text('{"board": "esp32-dev')
    _main(_boot())
    assert "config.json can't be read: it has to be provisioned again" in capsys.readouterr().out
    assert page[0] == "NEEDS SERVICE"


def test_a_third_start_in_a_row_starts_nothing_and_says_code_30(
    device, faults, page, monkeypatch, capsys
):
    monkeypatch.setattr(machine, "cause", machine.WDT_RESET)
    _terminal_that_raises(monkeypatch, ValueError())
    assert _boot()["starts"] == 1
    assert _boot()["starts"] == 2
    _main(_boot())
    assert faults == []  # nothing was started
    assert page[0] == "NEEDS SERVICE 30"
    said = capsys.readouterr().out
    assert "needs service, code 30" in said and "failed last: none" in said
    monkeypatch.setattr(machine, "cause", machine.PWRON_RESET)
    assert _boot()["starts"] == 1  # whoever pulls the plug begins afresh


def test_storage_that_fails_is_a_page_for_good_and_the_watchdog_is_fed(
    device, faults, page, monkeypatch, capsys
):
    fed = []

    class Enough(BaseException):
        pass

    def feed(self):
        fed.append(1)
        if len(fed) == 3:
            raise Enough

    monkeypatch.setattr(machine.WDT, "feed", feed)

    class Terminal:
        desk = types.SimpleNamespace(sync=None)

        def __init__(self, hardware, config):
            self.board = hardware

        def run(self):
            self.board.start_watchdog(90000)
            raise StorageFault(FLASH_FULL)

        def needs_service(self, code):
            raise OSError(5)  # the font, for one, is missing

    module = types.ModuleType("firmware.terminal")
    module.Terminal = Terminal
    monkeypatch.setitem(sys.modules, "firmware.terminal", module)
    monkeypatch.setattr("time.sleep_ms", lambda ms: None, raising=False)
    with pytest.raises(Enough):
        _main(WHOLE)
    assert page[0] == "NEEDS SERVICE 22"
    assert "needs service, code 22" in capsys.readouterr().out


def test_a_terminal_that_does_not_start_says_so_on_the_panel(
    device, faults, page, monkeypatch, capsys
):
    _terminal_that_raises(monkeypatch, MemoryError())
    _main(WHOLE)
    assert page[0] == "NEEDS SERVICE"
    assert page[16] == "It did not start"
    assert isinstance(faults[0], MemoryError)
    said = capsys.readouterr().out
    assert "make flash PORT=" in said
    assert "config.json" not in said and "file system" not in said


def test_a_full_file_system_is_told_as_such(device, faults, page, monkeypatch, capsys):
    _terminal_that_raises(monkeypatch, OSError(28, "ENOSPC"))
    _main(WHOLE)
    assert page[0] == "NEEDS SERVICE"
    assert "file system is full: remove files" in capsys.readouterr().out


@pytest.mark.parametrize("missing", ["keypad", "oled", "tls_link", "parts"])
def test_a_driver_that_is_missing_ends_in_the_page_too(device, faults, page, monkeypatch, missing):
    for loaded in ("board", "console"):
        monkeypatch.delitem(sys.modules, f"drivers.{loaded}", raising=False)
        monkeypatch.delattr(f"drivers.{loaded}", raising=False)
    monkeypatch.setitem(sys.modules, f"drivers.{missing}", None)
    _main(_boot())
    assert [type(fault) for fault in faults] == [ModuleNotFoundError]
    assert page[0] == "NEEDS SERVICE"
