"""What a person keeps in a home stays there: whoever else comes is told what to do."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from host_tests.conftest import ROOT
from tools import acquirer
from tools.simulator import demo, server, workplace
from tools.simulator.models.nvs import Nvs

_HOLDER = """
import sys, time
from tools.simulator import workplace
with workplace.held(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def run(home, port=0, **options):
    """`make run` without what it needs for serving: it has to end before that."""
    given = {"acquirer": None, "bundle": None, "heap": 1, **options}
    return server.main(SimpleNamespace(home=Path(home), port=port, **given))


def open_to_others(folder):
    """What in a folder, itself included, anybody but its owner may read or enter."""
    return [path for path in (folder, *folder.rglob("*")) if path.stat().st_mode & 0o77]


def test_what_a_home_keeps_is_its_owners_alone(tmp_path):
    device = tmp_path / "device"
    device.mkdir()
    (device / "main.py").touch()
    parts = [tmp_path / name for name in ("acquirer", "bundle", "terminal")]
    former = os.umask(0o022)
    try:
        workplace.prepare(tmp_path, device)
        assert [path for part in parts for path in open_to_others(part)] == []
        for part in parts:  # as a version before this one left it
            for path in (part, *part.rglob("*")):
                path.chmod(0o755 if path.is_dir() else 0o644)
        nvs = Nvs(tmp_path / "terminal" / "nvs.json")
        nvs.set("rebind", "something", "B", b"new")
        nvs.commit()
        assert nvs.path not in open_to_others(nvs.path.parent)
        workplace.prepare(tmp_path, device)
        assert [path for part in parts for path in open_to_others(part)] == []
    finally:
        os.umask(former)


@pytest.fixture
def kept(tmp_path):
    """A home as `make run` leaves it."""
    home = tmp_path / "home"
    with workplace.held(home):
        acquirer.enroll(home / "acquirer", workplace.TERMINAL, workplace.MERCHANT, home / "bundle")
    return home


@pytest.fixture
def one_line(capsys):
    """A function that returns the one line that was said, and nothing else was."""

    def said():
        output, errors = capsys.readouterr()
        assert output == ""
        assert errors.count("\n") == 1
        return errors

    return said


def test_the_demo_leaves_what_run_keeps_and_says_so(kept, one_line):
    assert workplace.DEMO_HOME != workplace.HOME
    before = contents(kept)
    assert demo.run(kept) == 1
    assert "HOME_DIR" in one_line()
    assert contents(kept) == before


def test_the_demos_home_is_made_anew_and_run_keeps_nothing_in_it(tmp_path, one_line):
    home = tmp_path / "demo"
    for _ in range(2):
        with workplace.held(home, demo=True):
            assert set(os.listdir(home)) <= {"lock", "demo.txt"}
            (home / "bundle").mkdir()
            (home / "bundle" / "keys.json").write_text("{}")
    assert run(home) == 1
    assert "HOME_DIR" in one_line()


@pytest.mark.parametrize("second", [run, demo.run])
def test_a_home_in_use_is_refused_and_free_after_a_crash(tmp_path, one_line, second):
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path / "home")], cwd=ROOT, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        assert second(tmp_path / "home") == 1
        assert "stop the other" in (line := one_line())
        assert "HOME_DIR=" in line
        holder.send_signal(signal.SIGKILL)
    with workplace.held(tmp_path / "home"):
        pass


@pytest.mark.parametrize("second", [run, demo.run])
def test_a_home_that_cannot_be_written_is_said(tmp_path, one_line, second):
    (tmp_path / "file").write_text("mine")
    assert second(tmp_path / "file" / "home") == 1
    assert "HOME_DIR=" in one_line()
    assert (tmp_path / "file").read_text() == "mine"


def test_a_clone_that_cannot_be_written_is_said(kept, monkeypatch, one_line):
    (kept / "file").write_text("")
    monkeypatch.setattr(workplace, "_DEVICE", kept / "file" / "device")
    assert run(kept) == 1
    assert "yours" in one_line()


def test_books_of_another_version_are_said(kept, monkeypatch, one_line):
    # The device is not built.
    monkeypatch.setattr(workplace, "prepare", lambda home, **enrolment: None)
    with contextlib.closing(sqlite3.connect(kept / "acquirer" / "books.sqlite3")) as books:
        books.execute("PRAGMA user_version = 99")
    assert run(kept) == 1
    assert "99" in one_line()


def test_a_port_in_use_is_said_before_anything_is_made(tmp_path, one_line):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert run(tmp_path / "new", taken.getsockname()[1]) == 1
    assert "PORT=" in one_line()
    assert not (tmp_path / "new").exists()


def test_a_bundle_is_whole_before_anything_is_made(tmp_path, one_line, kept):
    (kept / "bundle" / "ca.der").unlink()
    assert run(tmp_path / "new", acquirer="127.0.0.1:1", bundle=kept / "bundle") == 1
    assert "ca.der" in one_line()
    (kept / "bundle" / "keys.json").write_text("{")
    assert run(tmp_path / "new", acquirer="127.0.0.1:1", bundle=kept / "bundle") == 1
    assert "keys.json" in one_line()
    assert not (tmp_path / "new").exists()


def test_four_enrol_at_once_where_nothing_is(tmp_path):
    def enrol(number):
        command = ["enroll", "-T", f"1000000{number}", "-M", workplace.MERCHANT]
        return subprocess.run(
            [sys.executable, "-m", "tools.acquirer", *command, "-o", tmp_path / str(number)],
            cwd=ROOT,
            env={**os.environ, "HOME_DIR": str(tmp_path / "home")},
            capture_output=True,
            text=True,
        )

    with ThreadPoolExecutor() as pool:
        ends = list(pool.map(enrol, range(4)))
    assert [(end.returncode, end.stderr) for end in ends] == [(0, "")] * 4
    rows = acquirer.read_books(tmp_path / "home" / "acquirer")["terminals"]
    assert len({row["ikid"] for row in rows}) == 4
    issued = [
        json.loads((tmp_path / str(number) / "keys.json").read_text()) for number in range(4)
    ]
    assert {one["ikid"] for one in issued} == {row["ikid"] for row in rows}
    assert len({(tmp_path / str(number) / "ca.pem").read_text() for number in range(4)}) == 1
