"""`make image`: esptool and a partition listing agree with what was asked; it is mounted."""

import contextlib
import io
import subprocess
import sys

import esptool
import pytest

from host_tests.build import stock
from host_tests.conftest import ROOT
from host_tests.device.board import Board
from host_tests.device.conftest import mpremote
from host_tests.device.disk import files
from tools.build import image, report
from tools.build.tree import BuildError

CONTENT = {
    "boot.py": b"import gc\n",
    "main.py": b"print('log in')\n",
    "assets/font.bin": bytes(range(256)) * 700,
    "firmware/ui/pages.mpy": b"M" * 120,
    "config.json": b"{}",
}
JOURNAL = ("journal", 1, 0x81, 0x200000, 0x40000)
VFS = ("vfs", 1, 0x81, 0x240000, 0x1C0000)


def placed(made):
    """Return the image as flash that begins at 0."""
    return b"\xff" * made.offset + made.data


def vfs_of(made):
    *_, (label, _, _, at, size) = stock.entries(placed(made)[0x8000:])
    assert label == "vfs"
    return placed(made)[at : at + size].ljust(size, b"\xff")


def about(data):
    """Return what `esptool image-info` prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        esptool.image_info(data)
    return printed.getvalue()


def test_the_stock_parts_stay_and_journal_and_vfs_follow():
    firmware = stock.firmware()
    made = image.compose(firmware, CONTENT)
    assert (made.chip, made.offset) == ("esp32", 0x1000)
    assert stock.entries(placed(made)[0x8000:]) == [*stock.STOCK, JOURNAL, VFS]
    assert made.data[: 0x8000 - 0x1000] == firmware[: 0x8000 - 0x1000]
    assert made.data[0x9000 - 0x1000 : len(firmware)] == firmware[0x9000 - 0x1000 :]


def test_esptool_finds_bootloader_and_app_whole():
    made = image.compose(stock.firmware(), CONTENT)
    for at in (0x1000, stock.APP_AT):
        said = about(placed(made)[at:])
        assert said.count("(valid)") == 2, said  # checksum and validation hash
        assert "Flash size: 4MB" in said
        assert "Chip ID: 0 (ESP32)" in said


def test_the_journal_is_erased_flash():
    made = image.compose(stock.firmware(), CONTENT)
    assert set(placed(made)[0x200000:0x240000]) == {0xFF}


def test_the_vfs_holds_the_build():
    assert files(vfs_of(image.compose(stock.firmware(), CONTENT))) == CONTENT


def test_micropython_mounts_it_and_starts_from_it(tmp_path, record_property):
    record_property("interpreter", "micropython")
    disk = tmp_path / "disk"
    disk.write_bytes(vfs_of(image.compose(stock.firmware(), CONTENT)))
    with Board(disk) as board:
        story = "with open('new', 'w') as f: f.write('x')\nexec(open('main.py').read())"
        assert mpremote(board, "exec", story) == "log in\n"
        assert mpremote(board, "fs", "ls", ":firmware/ui").split()[-2:] == ["120", "pages.mpy"]
        assert board.faults == []
    assert files(disk.read_bytes()) == {**CONTENT, "new": b"x"}


@pytest.mark.parametrize(
    "parts",
    [
        [*stock.STOCK, ("vfs", 1, 0x81, 0x200000, 0x200000)],
        [*stock.STOCK, ("journal", 1, 0x81, 0x200000, 0x10000)],
    ],
    ids=["vfs listed", "a smaller journal"],
)
def test_a_table_that_lists_them_already_ends_the_same(parts):
    made = image.compose(stock.firmware(parts=parts), CONTENT)
    assert stock.entries(placed(made)[0x8000:]) == [*stock.STOCK, JOURNAL, VFS]


def test_an_s3_image_begins_at_zero_and_uses_all_its_flash():
    made = image.compose(stock.firmware("esp32s3", size_mib=8), CONTENT)
    assert (made.chip, made.offset) == ("esp32s3", 0)
    assert stock.entries(placed(made)[0x8000:])[-1] == ("vfs", 1, 0x81, 0x240000, 0x5C0000)
    assert "Chip ID: 9 (ESP32-S3)" in about(made.data)


def damaged(at):
    data = bytearray(stock.firmware())
    data[at - 0x1000] ^= 1
    return bytes(data)


@pytest.mark.parametrize(
    "firmware, message",
    [
        (b"", "no MicroPython image"),
        (bytes(0x20000), "no MicroPython image"),
        (stock.executable("esp32", {0x3F400020: b"app"}, 4), "no MicroPython image"),
        (damaged(0x1100), "the bootloader in this image is damaged"),
        (damaged(0x8010), "no MicroPython image"),
        (damaged(0x11000), "the app in this image is damaged"),
        (stock.firmware()[:-4096], "the app in this image is damaged"),
        (stock.firmware(size_mib=2), "no room behind the app"),
    ],
    ids=["empty", "zeros", "app alone", "bootloader", "table", "app", "cut short", "2 MiB"],
)
def test_what_is_no_whole_image_is_refused(firmware, message):
    with pytest.raises(BuildError, match=message):
        image.compose(firmware, CONTENT)


@pytest.mark.parametrize(
    "version, message",
    [
        (b"1.21.0", "MicroPython 1.21.0 is too old: 1.25 or newer"),
        (b"1.24.1", "MicroPython 1.24.1 is too old: 1.25 or newer"),
        (b"1.25.0", None),
        (b"1.27.0-preview.12.g0123456789", None),
        (b"of ours", "does not say which MicroPython it is"),
    ],
)
def test_an_image_has_to_be_of_a_micropython_that_flash_would_take_too(version, message):
    firmware = stock.firmware(banner=b"MicroPython v" + version + b" on 2025-01-01\0")
    if message is None:
        image.compose(firmware, CONTENT)
    else:
        with pytest.raises(BuildError, match=message):
            image.compose(firmware, CONTENT)


def test_files_that_do_not_fit_are_refused():
    with pytest.raises(BuildError, match="do not fit into the vfs of 1792 KiB"):
        image.compose(stock.firmware(), {"big": bytes(2 << 20)})


@pytest.fixture
def command(tmp_path):
    """Give `run(arch)`: the command on a build for `arch`, its image going to tmp_path/all."""
    (tmp_path / "stock.bin").write_bytes(stock.firmware())
    build = tmp_path / "build"
    build.mkdir()
    (build / "main.py").write_bytes(CONTENT["main.py"])
    options = ["--firmware", tmp_path / "stock.bin", "--build", build, "--out", tmp_path / "all"]

    def run(arch, *more):
        report.manifest(build, arch)
        line = [sys.executable, "-m", "tools.build.image", *options, *more]
        return subprocess.run(line, cwd=ROOT, capture_output=True, text=True)

    return run


def test_the_command_prints_the_table_and_how_to_write_it(command, tmp_path):
    done = command("none")
    assert (done.returncode, done.stderr) == (0, "")
    assert "journal" in done.stdout and "0x240000" in done.stdout
    assert f"esptool --chip esp32 write-flash 0x1000 {tmp_path / 'all'}" in done.stdout
    assert "(valid)" in about((tmp_path / "all").read_bytes())


def test_a_build_for_another_chip_is_refused(command, tmp_path):
    done = command("x86")
    assert done.returncode == 1
    assert "the build is for x86" in done.stderr
    assert not (tmp_path / "all").exists()


@pytest.mark.parametrize(
    "name, reason", [("", "which firmware"), ("none.bin", "No such"), (".", "Is a")]
)
def test_a_firmware_that_cannot_be_read_is_asked_for(command, tmp_path, name, reason):
    done = command("none", "--firmware", name)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert reason in line and "FIRMWARE=" in line
    assert not (tmp_path / "all").exists()
