"""The first steps on a machine: its Python, its browser."""

import pytest

from tools.toolchain import chromium, venv


def test_an_old_python_is_told_so(monkeypatch, capsys):
    monkeypatch.setattr(venv.sys, "version_info", (3, 9, 2, "final", 0))
    assert venv.main() == 1
    assert "Python 3.11 or newer is needed, this is 3.9" in capsys.readouterr().out


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """An environment that is not there yet, below `tmp_path`."""
    monkeypatch.setattr(venv, "HOME", tmp_path / ".toolchain")
    monkeypatch.setattr(venv, "_MARK", tmp_path / "mark")
    return tmp_path


def test_a_python_without_pip_is_told_what_to_install(fresh, monkeypatch, capsys):
    monkeypatch.setattr(venv, "_works", lambda command: False)
    assert venv.main() == 1
    assert "apt-get install python3-venv" in capsys.readouterr().out


def test_a_pip_outside_fills_an_environment_that_has_none(fresh, monkeypatch):
    calls = []
    monkeypatch.setattr(
        venv, "_works", lambda command: "--without-pip" in command or "--python" in command
    )
    monkeypatch.setattr(venv.subprocess, "call", lambda command: calls.append(command) or 0)
    assert venv.main() == 0
    assert calls[0][1:4] == ["-m", "pip", "--python"]


def test_a_failed_installation_is_tried_again_by_the_next_run(fresh, monkeypatch):
    results = [1, 0]
    monkeypatch.setattr(venv, "_works", lambda command: True)
    monkeypatch.setattr(venv.subprocess, "call", lambda command: results.pop(0))
    assert venv.main() == 1
    assert venv.main() == 0
    assert results == []


def test_without_a_browser_and_the_right_to_install_one_the_tests_are_announced_as_skipped(
    monkeypatch, capsys
):
    monkeypatch.setattr(chromium, "find", lambda: None)
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(chromium, "_quiet", lambda command: False)
    monkeypatch.setattr(chromium.shutil, "which", lambda name: f"/usr/bin/{name}")
    chromium.look_for()
    out = capsys.readouterr().out
    assert "browser tests will be skipped" in out
    assert "no right to install it" in out
