"""`make partition`: a board in use gets the journal's partition, and nothing unasked."""

import contextlib
import subprocess
import sys

import esptool
import pytest

from host_tests.build import stock
from host_tests.conftest import ROOT
from host_tests.device.stub_loader import StubLoader
from tools.build import image
from tools.build.tree import BuildError
from tools.device.link import DeviceError
from tools.device.partition import Loader, partition

SIZE = 4 << 20
TABLE = 0x8000


class Flash:
    """A chip in its ROM loader: flash that can lose power before its n-th change."""

    def __init__(self, name="esp32", content=None, size=SIZE):
        self.name = name
        at = 0 if name == "esp32s3" else 0x1000
        content = stock.firmware() if content is None else content
        self.cells = bytearray((b"\xff" * at + content).ljust(size, b"\x5a"))  # files, somewhere
        self.changes = 0
        self.last = None
        self.started = False

    def read(self, at, size):
        return bytes(self.cells[at : at + size])

    def write(self, at, data):
        self.erase(at, -(-len(data) // 4096) * 4096)
        self._powered()
        self.cells[at : at + len(data)] = data

    def erase(self, at, size):
        assert at % 4096 == size % 4096 == 0
        self._powered()
        self.cells[at : at + size] = b"\xff" * size

    def reset(self):
        self.started = True

    def table(self):
        return stock.entries(self.read(TABLE, 4096))

    def _powered(self):
        self.changes += 1
        if self.changes == self.last:
            raise DeviceError("power")


@pytest.fixture
def spare(tmp_path):
    return tmp_path / "build/table.bin"


def run(chip, spare, answer=True):
    return partition(chip, lambda: answer, spare, "/dev/ttyUSB0")


def test_the_table_is_that_of_the_image(spare):
    chip = Flash()
    before = bytes(chip.cells)
    assert run(chip, spare)
    made = image.compose(stock.firmware(), {})
    assert chip.table() == stock.entries(made.data[TABLE - 0x1000 :])
    assert chip.started
    # The journal is blank, and what MicroPython reads of the vfs, so that it makes a new one.
    assert set(chip.cells[0x200000:0x242000]) == {0xFF}
    for start, end in ((0, TABLE), (TABLE + 0x1000, 0x200000), (0x242000, SIZE)):
        assert chip.cells[start:end] == before[start:end]


def test_it_says_what_is_lost_before_it_asks_and_no_means_no(spare, capsys):
    chip = Flash()
    before = bytes(chip.cells)

    def answer():
        said = capsys.readouterr().out
        assert "every file on the board" in said and "keys in NVS" in said
        assert "terminal's state (bindings, operators, records)" in said
        assert f"write-flash 0x8000 {spare}" in said
        assert bytes(chip.cells) == before
        return False

    assert not partition(chip, answer, spare, "/dev/ttyUSB0")
    assert bytes(chip.cells) == before


def test_a_journal_that_is_smaller_is_replaced(spare):
    parts = [*stock.STOCK, ("journal", 1, 0x81, 0x200000, 0x10000)]
    chip = Flash(content=stock.firmware(parts=parts))
    assert run(chip, spare)
    assert chip.table()[-2:] == [
        ("journal", 1, 0x81, 0x200000, 0x40000),
        ("vfs", 1, 0x81, 0x240000, 0x1C0000),
    ]


def test_a_second_run_changes_nothing(spare):
    chip = Flash()
    run(chip, spare)
    changes = chip.changes
    assert not run(chip, spare)
    assert chip.changes == changes


def test_power_loss_leaves_a_table_or_the_command_that_writes_it(spare):
    for last in range(1, 5):
        chip = Flash()
        chip.last = last
        with pytest.raises(DeviceError):
            run(chip, spare)
        chip.last = None
        if chip.read(TABLE, 2) == b"\xff\xff":
            chip.write(TABLE, spare.read_bytes())  # the command that was printed
        else:
            assert chip.table() == list(stock.STOCK)
            run(chip, spare)
        assert [entry[0] for entry in chip.table()][-2:] == ["journal", "vfs"]


@pytest.mark.parametrize(
    "chip, error, message",
    [
        (Flash(name="esp32c3"), DeviceError, "does not run on this chip: esp32c3"),
        (Flash(content=b""), DeviceError, "no MicroPython on this board"),
        (Flash(content=stock.firmware(size_mib=2)), BuildError, "no room behind the app"),
    ],
    ids=["another chip", "blank", "2 MiB"],
)
def test_a_board_that_cannot_have_it_is_left_alone(spare, chip, error, message):
    with pytest.raises(error, match=message):
        run(chip, spare)
    assert chip.changes == 0


def test_the_command_names_a_port_that_is_not_there_and_asks_for_one():
    command = [sys.executable, "-m", "tools.device", "partition"]
    for port, message in (([], "which board? PORT="), (["--port", "/dev/ttyNOSUCH"], "ttyNOSUCH")):
        done = subprocess.run([*command, *port], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 1
        assert message in done.stderr and "Traceback" not in done.stderr


@pytest.fixture
def loader():
    """Give `put(cells)`: a chip with that flash in its flasher stub, for the real esptool."""
    chips = []

    def put(cells):
        chips.append(StubLoader(cells))
        return chips[-1]

    yield put
    esptool.log.set_verbosity("auto")  # a Loader has silenced it, for everybody in this process
    for chip in chips:
        chip.close()


def test_esptool_does_it_on_the_chip(spare, loader):
    expected = Flash()
    run(expected, spare)
    chip = loader(Flash().cells)
    with contextlib.closing(Loader(chip.url)) as opened:
        assert opened.name == "esp32"
        assert partition(opened, lambda: True, spare, chip.url)
    assert chip.cells == expected.cells


def test_the_command_that_make_image_prints_writes_the_image(tmp_path, loader):
    made = image.compose(stock.firmware(), {"main.py": b"print('log in')\n"})
    (tmp_path / "rebind.bin").write_bytes(made.data)
    chip = loader(bytearray(b"\x5a" * SIZE))
    command = f"esptool --chip esp32 --port {chip.url} write-flash 0x1000 {tmp_path}/rebind.bin"
    done = subprocess.run([sys.executable, "-m", *command.split()], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert chip.cells[0x1000:][: len(made.data)] == made.data
