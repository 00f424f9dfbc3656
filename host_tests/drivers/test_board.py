"""Boards built from their tables, parts missing, and what boot.py and main.py do with them."""

import gc
import json
import os
import runpy
from pathlib import Path

import esp32
import machine
import pytest
from machine import Pin

from drivers import board

ROOT = Path(__file__).resolve().parents[2]
BOARDS = sorted(board._PINS)
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
    for name, path in (("ca.der", "ca.der"), ("cert.der", "terminal.der")):
        (tmp_path / "certs" / path).write_bytes((folder / name).read_bytes())
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
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
    assert made.wifi._psk == "密码 8 zeichen"
    assert made.link._context is not None
    assert len(made.random(9)) == 9


@pytest.mark.parametrize("name", BOARDS)
def test_no_pin_is_used_twice_or_belongs_to_the_chip(name):
    rows, columns, bus, reader, buzzer = board._PINS[name]
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
    for column in board._PINS["esp32-devkitc"][1]:
        machine.ground(column)
    for name in os.listdir("certs"):
        os.remove(f"certs/{name}")
    made = board.build(CONFIG)
    assert sorted(made.faults) == ["keypad", "keystore", "oled"]
    assert made.keystore is None
    assert made.link._context is None


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


def _boot():
    return runpy.run_path(str(ROOT / "boot.py"))


def _main(namespace):
    """Run main.py as the chip does, in the namespace that boot.py leaves."""
    runpy.run_path(str(ROOT / "main.py"), {"maintenance": namespace["maintenance"]})


def test_a_held_star_keeps_the_repl(device, capsys):
    rows, columns = board._PINS["esp32-devkitc"][:2]
    machine.press(rows[3], columns[0])
    _main(_boot())
    assert "maintenance" in capsys.readouterr().out
    assert not machine.I2C(0, sda=Pin(1), scl=Pin(2)).sent


def test_nothing_held_starts_the_terminal(device):
    assert not _boot()["maintenance"]


def test_a_device_without_files_boots_to_a_message(device, monkeypatch, capsys):
    (device / "config.json").unlink()
    printed = []
    monkeypatch.setattr("sys.print_exception", printed.append, raising=False)
    _main(_boot())
    assert [type(fault) for fault in printed] == [FileNotFoundError] * 2


def test_a_terminal_that_does_not_start_says_so_on_the_panel(device, monkeypatch):
    import sys
    import types

    class Terminal:
        def __init__(self, hardware, config):
            raise MemoryError

    module = types.ModuleType("firmware.terminal")
    module.Terminal = Terminal
    monkeypatch.setitem(sys.modules, "firmware.terminal", module)
    printed = []
    shown = []
    monkeypatch.setattr("sys.print_exception", printed.append, raising=False)
    monkeypatch.setattr(
        board.Oled, "text", lambda self, words, x, y: shown.append(words), raising=False
    )
    _main({"maintenance": False})
    assert shown == ["needs service"]
    assert isinstance(printed[0], MemoryError)
