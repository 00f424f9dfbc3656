"""`.toolchain` after interruptions, and with two runs at once."""

import subprocess
import sys
import time

import pytest

from tools.toolchain import HOME
from tools.toolchain.place import install, locked, scratch, write


def test_what_an_interrupted_run_left_is_removed_by_the_next(tmp_path):
    (tmp_path / "tmp-dead/half").mkdir(parents=True)
    (tmp_path / "lib").mkdir()
    with locked(tmp_path):
        assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "lib"]


def test_an_installed_directory_replaces_the_one_before(tmp_path):
    (tmp_path / "part").mkdir()
    (tmp_path / "part/old").touch()
    with scratch(tmp_path) as work:
        (work / "part").mkdir()
        (work / "part/new").touch()
        install(work / "part", tmp_path / "part")
    assert [path.name for path in (tmp_path / "part").iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["part"]


def test_a_failed_write_leaves_the_file_as_it_was(tmp_path):
    write(tmp_path / "record", "old")
    with pytest.raises(UnicodeEncodeError):
        write(tmp_path / "record", "\ud800")
    assert (tmp_path / "record").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_second_run_waits_for_the_first(tmp_path):
    program = (
        "import pathlib, sys; from tools.toolchain.place import locked\n"
        "with locked(pathlib.Path(sys.argv[1])): print('in', flush=True)"
    )
    with locked(tmp_path):
        second = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            cwd=HOME.parent,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert "waiting" in second.stdout.readline()
        time.sleep(0.2)
        assert second.poll() is None
    assert second.communicate(timeout=10)[0] == "in\n"
    assert second.returncode == 0
