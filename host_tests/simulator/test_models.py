"""The models alone, without an interpreter: what their chips' data sheets promise."""

import pytest

from tools.simulator.models import PowerCut
from tools.simulator.models.gpio import OPEN_DRAIN, OUT, PULL_UP, Gpio
from tools.simulator.models.key_matrix import KeyMatrix
from tools.simulator.models.nor_flash import SECTOR_SIZE, NorFlash
from tools.simulator.models.nvs import NOT_ENOUGH_SPACE, NOT_FOUND, Nvs
from tools.simulator.models.serial_port import SerialPort
from tools.simulator.models.ssd1306 import Ssd1306
from tools.simulator.wiring import wiring

INIT = bytes.fromhex("AE20004000A1A83FC8D300DA12D580D9F1DB3081FFA4A68D14AF")


def _commands(panel, data):
    for byte in data:
        assert panel.write(bytes((0x80, byte)))


def _clear(panel):
    _commands(panel, bytes((0x20, 0, 0x21, 0, 127, 0x22, 0, 7)))
    panel.write(b"\x40" + bytes(1024))


# The panel


def test_the_panel_is_dark_without_its_charge_pump_and_noisy_before_it_is_cleared():
    panel = Ssd1306()
    _commands(panel, b"\xa1\xc8\xaf")
    assert not any(panel.pixels)
    _commands(panel, b"\x8d\x14")
    assert any(panel.pixels)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(0, [(0, 126), (0, 127), (1, 126)]), (1, [(0, 126), (1, 126), (0, 127)])],
)
def test_addressing_modes_walk_their_window(mode, expected):
    panel = Ssd1306()
    _commands(panel, INIT)
    _clear(panel)
    _commands(panel, bytes((0x20, mode, 0x21, 126, 127, 0x22, 0, 1)))
    panel.write(b"\x40\x01\x02\x03")
    at = [divmod(panel.pixels.index(value), 128) for value in (1, 2, 3)]
    assert at == expected


def test_page_mode_inversion_and_all_on():
    panel = Ssd1306()
    _commands(panel, INIT)
    _clear(panel)
    _commands(panel, bytes((0x20, 2, 0xB3, 0x05, 0x12)))
    panel.write(b"\x40\xaa")
    assert panel.pixels[3 * 128 + 0x25] == 0xAA
    _commands(panel, b"\xa7")
    assert panel.pixels[3 * 128 + 0x25] == 0x55
    _commands(panel, b"\xa5\xa6")
    assert panel.pixels == b"\xff" * 1024
    assert panel.unknown == 0


def test_a_panel_that_is_turned_round_shows_its_picture_turned():
    panel = Ssd1306()
    _commands(panel, INIT)
    _clear(panel)
    panel.write(b"\x40\x01")
    assert panel.pixels[0] == 1
    _commands(panel, b"\xa0\xc0")
    assert panel.pixels[-1] == 0x80


# The keys


def _keypad():
    now = [100.0]
    matrix = KeyMatrix((0, 1, 2, 3), (4, 5, 6, 7), lambda: now[0])
    gpio = Gpio()
    gpio.attach(matrix)
    for pin in range(4):
        gpio.set(pin, OPEN_DRAIN, 1)
    for pin in range(4, 8):
        gpio.set(pin, 1 | PULL_UP << 4, 0)

    def columns():
        return [pin - 4 for pin in range(4, 8) if not gpio.levels(pin)[0] >> pin & 1]

    return matrix, gpio, now, columns


def test_a_key_joins_its_row_to_its_column_and_bounces_first():
    matrix, gpio, now, columns = _keypad()
    matrix.down("6")
    gpio.set(1, 0, 0)
    seen = set()
    for _ in range(20):
        now[0] += 0.0003
        seen.add(tuple(columns()))
    assert seen == {(), (2,)}
    now[0] += 1
    assert columns() == [2]
    gpio.set(1, 0, 1)
    assert columns() == []


def test_three_keys_of_a_rectangle_make_a_ghost_unless_a_row_is_held_high():
    matrix, gpio, now, columns = _keypad()
    for key in "125":
        matrix.down(key)
    now[0] += 1
    gpio.set(1, 0, 0)  # only 5 is in this row
    assert columns() == [0, 1]
    gpio.set(0, OUT, 1)
    assert columns() == [1]


def test_a_settled_key_was_looked_at_in_enough_scans():
    matrix, gpio, now, columns = _keypad()
    matrix.down("1")
    now[0] += 1
    for _ in range(3):
        assert not matrix.settled("1") and matrix.active
        _look_at_row(0, gpio, now, columns)
    assert matrix.settled("1")
    matrix.up("1")
    for row in range(4):
        gpio.set(row, 0, 0)
    now[0] += 1
    for scan in range(3):
        assert not matrix.settled("1") and matrix.active and matrix.scans == scan
        columns()  # one look, and the host takes long over it
        now[0] += 0.008
        gpio.levels(7)
    assert matrix.settled("1") and not matrix.active


def test_a_tapped_key_comes_up_when_the_terminal_has_taken_it_and_not_before():
    matrix, gpio, now, columns = _keypad()
    matrix.tap("D")
    now[0] += 1
    for _ in range(3):
        assert not matrix.settled("D")
        assert _look_at_row(3, gpio, now, columns) == {(3,)}
    assert _look_at_row(3, gpio, now, columns) == {()}
    assert not matrix.settled("D") and not matrix.pressed
    for row in range(4):
        gpio.set(row, 0, 0)
    for _ in range(2):  # it was seen up once already
        assert not matrix.settled("D")
        columns()
    assert matrix.settled("D")


def _look_at_row(row, gpio, now, columns):
    # What was seen in one scan, which the host delays.
    gpio.set(row, 0, 0)
    seen = set()
    for _ in range(9):
        seen.add(tuple(columns()))
        now[0] += 0.008
    gpio.set(row, 0, 1)
    return seen


def test_pins_that_cannot_drive_are_reported():
    said = []
    Gpio(report=said.append).set(34, OUT, 1)
    assert said == ["GPIO34 can only be an input on this chip"]


@pytest.mark.parametrize("board", ["esp32-devkitc", "esp32-s3-devkitc", "esp32-oled"])
def test_the_wiring_is_the_firmwares_table(board):
    wired = wiring(board)
    pins = [*wired.rows, *wired.columns, wired.sda, wired.scl, wired.reader_rx, wired.buzzer]
    assert len(set(pins)) == len(pins) == 12
    assert not set(wired.rows) & set(wired.input_only)


# Flash and NVS


def test_flash_keeps_its_image_and_knows_its_edges(tmp_path):
    flash = NorFlash(tmp_path / "flash.bin", sectors=2)
    assert flash.program(1, SECTOR_SIZE - 2, b"\x12\x34")
    assert not flash.program(1, SECTOR_SIZE - 1, b"\x12\x34")
    assert not flash.erase(2)
    assert flash.read(2, 0, 1) is None
    again = NorFlash(tmp_path / "flash.bin", sectors=2)
    assert again.read(1, SECTOR_SIZE - 2, 2) == b"\x12\x34"
    with pytest.raises(ValueError):
        NorFlash(tmp_path / "flash.bin", sectors=1)


def test_an_image_of_a_smaller_partition_is_extended_with_erased_sectors(tmp_path):
    NorFlash(tmp_path / "flash.bin", sectors=1).program(0, 0, b"kept")
    flash = NorFlash(tmp_path / "flash.bin", sectors=3)
    assert flash.read(0, 0, 4) == b"kept"
    assert flash.read(2, 0, SECTOR_SIZE) == b"\xff" * SECTOR_SIZE


def test_a_cut_write_leaves_a_prefix_and_a_cut_erase_only_sets_bits(tmp_path):
    flash = NorFlash(tmp_path / "flash.bin", sectors=1)
    flash.cut_power_at(1, kept=2)
    with pytest.raises(PowerCut):
        flash.program(0, 0, b"\0\0\0\0")
    assert flash.read(0, 0, 4) == b"\0\0\xff\xff"
    flash.program(0, 0, bytes(SECTOR_SIZE))
    flash.cut_power_at(1, kept=128, seed=7)
    with pytest.raises(PowerCut):
        flash.erase(0)
    data = flash.read(0, 0, SECTOR_SIZE)
    assert data[: SECTOR_SIZE // 2] == b"\xff" * (SECTOR_SIZE // 2)
    assert 0 < sum(data[SECTOR_SIZE // 2 :]) < 255 * SECTOR_SIZE // 2
    flash.erase(0)
    assert flash.read(0, 0, SECTOR_SIZE) == b"\xff" * SECTOR_SIZE


def test_a_worn_sector_does_not_take_what_is_written(tmp_path):
    flash = NorFlash(tmp_path / "flash.bin", sectors=1)
    flash.worn.add(0)
    assert flash.program(0, 0, b"\0")
    assert flash.read(0, 0, 1) == b"\xff"


def test_nvs_forgets_what_was_not_committed_and_cuts_are_all_or_nothing(tmp_path):
    nvs = Nvs(tmp_path / "nvs.json")
    nvs.set("a", "k", "B", b"1")
    nvs.commit()
    for done, expected in ((False, b"1"), (True, b"2")):
        nvs.set("a", "k", "B", b"2")
        nvs.cut_power_at(1, done)
        with pytest.raises(PowerCut):
            nvs.commit()
        nvs.power_up()
        assert nvs.get("a", "k", "B", 9) == expected
    nvs.erase("a", "k")
    assert nvs.get("a", "k", "B", 9) == NOT_FOUND
    nvs.power_up()
    assert nvs.get("a", "k", "B", 9) == b"2"


def test_nvs_is_full_at_last(tmp_path):
    nvs = Nvs(tmp_path / "nvs.json")
    answers = [nvs.set("a", f"k{number}", "B", bytes(4000)) for number in range(6)]
    assert answers == [0, 0, 0, 0, NOT_ENOUGH_SPACE, NOT_ENOUGH_SPACE]


# The serial line


def test_bytes_arrive_at_the_lines_speed_and_garbled_at_another():
    now = [0.0]
    port = SerialPort(lambda: now[0])
    port.open(9600, 64)
    port.arrive(b"0123456789", 9600)
    assert port.waiting() == 0
    now[0] = 5.5 * 10 / 9600
    assert port.take(64) == b"01234"
    now[0] = 1
    assert port.take(64) == b"56789"
    port.arrive(b"abc", 115200)
    now[0] = 2
    assert port.take(64) == b"\xfe\xfe\xfe"
