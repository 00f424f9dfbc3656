"""The build itself on the board: it starts, and what is missing on it leads to a free REPL."""

import json

import pytest

from tools.build.device import house
from tools.device import link
from tools.device.flash import flash

CONFIG = {
    "board": "esp32-devkitc",
    "terminal": "10000001",
    "merchant": "898310054110001",
    "serial": "RB000001",
    "host": "acquirer.test",
    "port": 8583,
    "server_name": "acquirer.test",
    "wifi": {"ssid": "shop"},
}


@pytest.fixture
def config(tmp_path):
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    return folder


def test_the_terminal_starts_and_a_missing_module_is_brought_back(
    desk, host_build, config, capsys
):
    board = desk()
    assert flash(board.url, host_build, config, False, 2)
    said = capsys.readouterr().out
    assert "all hashes verified" in said and said.endswith("the terminal is running\n")
    parts = house().place("firmware.rooms").replace(".", "/") + ".mpy"
    for missing in (parts, "assets/font.bin"):
        with link.Link(board.url) as line:
            line.run(f"import os\nos.remove({missing!r})")
            log = line.restart(8)
        assert "The terminal did not start" in log
        assert "make flash PORT=" in log
        assert log.endswith(">>> ")
        assert "no page can be shown" not in log
        flash(board.url, host_build, config, False, 0)
        assert "files copied: 1, removed: 0" in capsys.readouterr().out
