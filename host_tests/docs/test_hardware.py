"""What docs/hardware.md says must be so: drawings, targets, messages, places in the flash."""

import re

import pytest

from drivers import trouble
from drivers.pins import PINS
from firmware.storage import journal
from host_tests.build import stock
from host_tests.conftest import ROOT
from tools.build import image
from tools.device import wiring

PAGE = (ROOT / "docs/hardware.md").read_text(encoding="utf-8")
SAID = [ROOT / name for name in ("boot.py", "main.py", "drivers/board.py", "drivers/trouble.py")]
SAID += (ROOT / "tools/device").glob("*.py")
_FAMILIES = ("KEYS_", "FILES_", "FLASH_", "STATE_", "ERRAND")
SAID += (ROOT / "tools/build").glob("*.py")


@pytest.mark.parametrize("board", PINS)
def test_the_drawing_is_that_of_the_table(board):
    path = wiring.names()[board]
    assert path.read_text(encoding="utf-8") == wiring.drawing(board)
    assert f"({path.relative_to(ROOT / 'docs').as_posix()})" in PAGE


@pytest.mark.parametrize("board", PINS)
def test_every_pin_is_drawn_once(board):
    rows, columns, bus, reader, buzzer = PINS[board]
    drawn = re.findall(r"GPIO (\d+)<", wiring.drawing(board))
    pins = [*rows, *columns, *bus, *reader[1:], buzzer]
    assert sorted(map(int, drawn)) == sorted(pins)


def test_the_makefile_has_every_target_that_is_named():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", PAGE))
    assert {"build", "flash", "image", "partition"} <= named <= targets


def test_every_message_that_is_quoted_is_one_that_is_said():
    table = PAGE.partition("| symptom |")[2]
    symptoms = [line.split("|")[1] for line in table.splitlines()[2:] if line.startswith("|")]
    quoted = {words for cell in symptoms for words in re.findall(r"`([^`]+)`", cell)}
    sources = " ".join(path.read_text(encoding="utf-8") for path in SAID)
    sources = re.sub(r'"\s+f?"', "", sources)  # literals that go on in the next line
    assert "cannot be opened" in quoted
    known = {*PINS, "the app in this image is damaged"}  # a name; one whose subject is filled in
    assert {words for words in quoted - known if words not in sources} == set()


def test_every_code_has_a_line_in_the_table_and_its_remedy_on_the_console():
    table = dict(re.findall(r"^\| (\d\d) \| ([^|]+) \|", PAGE, re.MULTILINE))
    codes = {
        name: value
        for name, value in vars(journal).items()
        if name.startswith(_FAMILIES) and isinstance(value, int) and value < 100
    }
    codes["too often"] = trouble._TOO_OFTEN
    assert len(codes) == 12
    assert {str(code) for code in codes.values()} == set(table)
    said = {str(code) for code in trouble._REMEDIES}
    assert set(table) - said == {str(journal.ERRAND)}  # that one is no end of the terminal


def test_the_table_of_images_says_what_the_rule_comes_to():
    rows = re.findall(r"^\| 1\.\d+\.\d \|([\d.| ]+)\|$", PAGE, re.MULTILINE)
    assert rows
    for row in rows:  # those of which all was measured
        first, largest, least, grown, expected = map(float, row.split("|"))
        before = largest + 28
        rule = min(28, before - 44)
        assert first == 56 and grown == rule
        assert abs(expected - (before - rule - (largest - least))) < 1
        assert expected >= 12


def test_the_partitions_are_where_the_page_says():
    table = image.compose(stock.firmware(), {}).table
    rows = dict(re.findall(r"^\| (journal|vfs) \| (0x[0-9a-f]+) \|", PAGE, re.MULTILINE))
    assert {name: int(at, 16) for name, at in rows.items()} == {
        name: table.by_name(name).offset for name in ("journal", "vfs")
    }
    assert f"erase-region {table.by_name('vfs').offset:#x} 0x2000" in PAGE
