"""`make flash`: what a board lacks is copied once, and whatever goes wrong leaves nothing half."""

import socket

import pytest

from host_tests.device.disk import files
from tools.build import report
from tools.device import flash as flash_module
from tools.device import link
from tools.device.flash import Plan, flash
from tools.device.link import DeviceError

FONT = bytes(range(256)) * 24
MAIN = "from firmware import a\nimport time\nprint('runs', a.NAME)\nwhile 1: time.sleep(1)\n"
OLD = {
    "boot.py": "import gc\n",
    "main.py": MAIN,
    "firmware/a.py": "NAME = 'old'\n",
    "firmware/gone/b.py": "B = 1\n",
    "assets/font.bin": FONT,
}
NEW = {
    **OLD,
    "firmware/a.py": "from firmware.inner import c\nNAME = c.NAME\n",
    "firmware/inner/c.py": "NAME = 'new'\n" + "# long\n" * 900,
    "assets/font.bin": FONT[::-1],
}
del NEW["firmware/gone/b.py"]

TOOLS = flash_module._TOOLS
WORN = TOOLS + "def d(text): return bytes(9)\n"
CUT_AT_RENAME = """
class Cut:
 left = {n}
 def __getattr__(self, name): return getattr(real, name)
 def rename(self, a, b):
  self.left -= 1
  if not self.left:
   import machine
   machine.reset()
  real.rename(a, b)
real, os = os, Cut()
"""


@pytest.fixture
def build(tmp_path):
    """Give `build(files, arch)`: the folder of a build that holds them."""

    def made(contents, arch="none"):
        root = tmp_path / f"build{len(list(tmp_path.glob('build*')))}"
        for path, content in contents.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            data = content.encode() if isinstance(content, str) else content
            (root / path).write_bytes(data)
        report.manifest(root, arch)
        return root

    return made


def on(board):
    """Return {path: content} of what is on the board."""
    return files(board.disk.read_bytes())


def of(root):
    """Return {path: content} of a build, its manifest with it."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def run(board, root, config=None, dry=False, listen_s=0.2):
    return flash(board.url, root, config, dry, listen_s)


def test_a_fresh_board_gets_the_build_and_starts_it(desk, build, capsys):
    board, root = desk(), build(OLD)
    assert run(board, root, listen_s=1.5)
    assert on(board) == of(root)
    said = capsys.readouterr().out
    assert "Generic ESP32 module with ESP32, MicroPython 1.26.1, 4 MiB of flash" in said
    assert "copying, 100 %" in said
    assert "| runs old" in said
    assert said.endswith("the terminal is running\n")


def test_a_second_run_copies_nothing(desk, build, capsys):
    board, root = desk(), build(OLD)
    run(board, root)
    before = board.disk.read_bytes()
    assert run(board, root)
    assert board.disk.read_bytes() == before
    assert "nothing to copy: all 6 files" in capsys.readouterr().out


def test_only_what_changed_is_copied_and_what_is_not_ours_stays(desk, build, capsys):
    board, root = desk(), build(OLD)
    run(board, root)
    kept = {"own.txt": b"mine", "config.json": b"{}", "certs/ca.der": b"ca"}
    with link.Link(board.url) as line:
        line.run("import os\nos.mkdir('certs')")
        for path, content in kept.items():
            line.run(f"with open({path!r}, 'wb') as f: f.write({content!r})")
    capsys.readouterr()
    newer = build({**OLD, "firmware/a.py": NEW["firmware/inner/c.py"]})
    assert run(board, newer)
    assert on(board) == of(newer) | kept
    assert "files copied: 2, removed: 0" in capsys.readouterr().out  # a.py and the manifest


def test_files_of_the_build_before_go_with_their_folders(desk, build):
    board = desk()
    run(board, build(OLD))
    run(board, build(NEW))
    assert on(board) == of(build(NEW))
    with link.Link(board.url) as line:
        assert line.run("import os\nprint(os.listdir('firmware'))").strip() == "['a.py', 'inner']"


def test_a_driver_that_would_shadow_the_builds_goes(desk, build):
    board = desk()
    run(board, build({**OLD, "lib/ssd1306.py": "old = 1"}))
    run(board, build({**OLD, "lib/ssd1306.mpy": "M"}))
    assert [path for path in on(board) if path.startswith("lib")] == ["lib/ssd1306.mpy"]


def test_settings_are_brought_with_the_build_and_the_key_beside_them_is_not(desk, build, tmp_path):
    config = tmp_path / "config"
    (config / "certs").mkdir(parents=True)
    (config / "config.json").write_text('{"board": "esp32-devkitc"}')
    (config / "certs/ca.der").write_bytes(b"ca")
    (config / "certs/terminal.key.der").write_bytes(b"k")
    (config / "notes.txt").touch()
    board, root = desk(), build(OLD)
    run(board, root, config)
    settings = {"config.json", "certs/ca.der"}
    assert on(board).keys() == of(root).keys() | settings


@pytest.fixture
def update(desk, build, tmp_path):
    """Give `board(name)`: a board with the old build, and the two builds' roots."""
    old, new = build(OLD), build(NEW)
    run(desk(disk="first"), old)
    image = (tmp_path / "first").read_bytes()

    def board(name):
        (tmp_path / name).write_bytes(image)
        return desk(disk=name)

    return board, old, new


def code(contents):
    """Return the files that make up a build, without the manifest and the stage."""
    return {
        path: data
        for path, data in contents.items()
        if path != report.MANIFEST and not path.startswith(".new/")
    }


def starts_whole_or_not_at_all(board, old, new):
    """Tell what is on the board: "old", "new", or neither and then without a start."""
    found = code(on(board))
    for name, root in (("old", old), ("new", new)):
        if found == code(of(root)):
            return name
    assert "main.py" not in found
    return "neither"


@pytest.mark.parametrize(
    "power, parts", [(False, (0.6, 0.95)), (True, (0.2, 0.8))], ids=["line", "power"]
)
def test_an_interrupted_run_is_finished_by_the_next(update, power, parts, capsys):
    put, old, new = update
    board = put("measured")
    run(board, new)
    whole = board.received
    for part in parts:
        board = put(f"cut at {part}")
        board.cut(after=int(whole * part), power=power)
        with pytest.raises(DeviceError):
            run(board, new)
        starts_whole_or_not_at_all(board, old, new)
        run(board, new)
        assert on(board) == of(new)
    assert "finishing an interrupted run" in capsys.readouterr().out


def test_a_cut_while_files_change_places_starts_nothing_half(update, monkeypatch):
    put, old, new = update
    seen = []
    monkeypatch.setattr(link, "_LIMIT_S", 1)
    for renames in (1, 2, 5, 6):
        board = put(f"cut at rename {renames}")
        # As if power were cut: the chip is reset in the middle of the command.
        monkeypatch.setattr(flash_module, "_TOOLS", TOOLS + CUT_AT_RENAME.format(n=renames))
        with pytest.raises(DeviceError, match="stopped answering"):
            run(board, new)
        seen.append(starts_whole_or_not_at_all(board, old, new))
        monkeypatch.setattr(flash_module, "_TOOLS", TOOLS)
        run(board, new)
        assert on(board) == of(new)
    assert seen == ["old", "neither", "neither", "neither"]


@pytest.mark.parametrize(
    "facts, message",
    [
        ({"platform": "rp2", "machine": "Raspberry Pi Pico"}, "no ESP32: Raspberry Pi Pico"),
        ({"version": (1, 24, 1)}, "MicroPython 1.24.1 is too old: 1.25 or newer"),
        ({"flash_size": 2 << 20}, "2 MiB of flash is too little"),
        ({"mpy": 5}, "does not load .mpy files of version 6"),
        ({"mpy": 6 | 11 << 10}, "this chip takes rv32imc: make build ARCH=rv32imc"),
    ],
)
def test_a_board_that_cannot_run_it_is_left_as_it_is(desk, build, facts, message):
    board = desk(**facts)
    with pytest.raises(DeviceError, match=message):
        run(board, build(OLD, arch="xtensawin" if facts.get("mpy") else "none"))
    assert on(board).keys() == {"boot.py"}


def test_a_port_that_is_not_there_is_named(build):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
    for port in (url, "/dev/ttyNOSUCH", "nonsense://x"):
        with pytest.raises(DeviceError, match=f"{port} cannot be opened"):
            flash(port, build(OLD), None, False, 1)


def test_a_port_where_no_micropython_answers_is_named(build, monkeypatch):
    monkeypatch.setattr(link, "_ANSWER_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(DeviceError, match=f"no MicroPython answers on {url}"):
            flash(url, build(OLD), None, False, 1)


def test_a_file_system_without_room_is_found_out_before_anything_is_copied(desk, build):
    board = desk(blocks=16)
    with pytest.raises(DeviceError, match="file system is full: .* nothing was changed"):
        run(board, build({**OLD, "assets/more.bin": bytes(64 * 1024)}))
    assert on(board).keys() == {"boot.py"}


def test_a_file_system_that_fills_up_meanwhile_is_left_as_it_was(desk, build, monkeypatch):
    board, old = desk(blocks=40), build(OLD)
    run(board, old)
    monkeypatch.setattr(Plan, "blocks", lambda plan, size: 0)  # it was expected to fit
    with pytest.raises(DeviceError, match="the file system is full; nothing was changed"):
        run(board, build({**OLD, "assets/more.bin": bytes(160 * 1024)}))
    assert on(board) == of(old)


def test_flash_that_does_not_keep_what_is_written_is_found_out(desk, build, monkeypatch):
    board, old = desk(), build(OLD)
    run(board, old)
    monkeypatch.setattr(flash_module, "_TOOLS", WORN)
    with pytest.raises(DeviceError, match="read back differently"):
        run(board, build(NEW))
    assert on(board) == of(old)


def test_a_dry_run_says_what_it_would_do_and_does_nothing(desk, build, capsys):
    board, old = desk(), build(OLD)
    run(board, old)
    before = board.disk.read_bytes()
    capsys.readouterr()
    assert run(board, build(NEW), dry=True, listen_s=1.5)
    said = capsys.readouterr().out
    assert "would copy firmware/inner/c.py (" in said
    assert "would remove firmware/gone/b.py" in said
    assert "runs old" in said
    assert board.disk.read_bytes() == before


def test_a_terminal_that_does_not_start_is_told_with_its_log(desk, build, tmp_path, capsys):
    config = tmp_path / "config"
    config.mkdir()
    (config / "config.json").write_text("{}")
    assert not run(desk(), build({**OLD, "main.py": "import nothing\n"}), config, listen_s=9)
    said = capsys.readouterr().out
    assert "no module named 'nothing'" in said
    assert said.endswith("the terminal did not start: the lines above say why\n")


def test_a_terminal_without_settings_says_what_it_lacks(desk, build, capsys):
    assert run(desk(), build({**OLD, "main.py": "open('config.json')\n"}), listen_s=9)
    assert "not provisioned: it has no config.json" in capsys.readouterr().out
