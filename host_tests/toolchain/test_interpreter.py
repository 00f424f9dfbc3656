"""Which MicroPython is taken, and what is said of one that will not do."""

import json
import shutil
import subprocess

import pytest

from tools.toolchain import HOME, interpreter
from tools.toolchain.place import Unavailable


class NoArchive:
    """A machine without apt."""

    def suites(self, arch):
        raise Unavailable("this machine has no apt")


class EmptyArchive:
    """A machine whose mirror has no suite that can be read."""

    def suites(self, arch):
        return iter(())


def fake(directory, answer, status=0):
    """Put a program that answers the probe with `answer` into `directory`, as `micropython`."""
    directory.mkdir(exist_ok=True)
    program = directory / "micropython"
    program.write_text(f"#!/bin/sh\necho '{answer}'\nexit {status}\n")
    program.chmod(0o755)
    return directory


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A PATH with nothing but a shell's own tools, and `tmp_path/bin` before them."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")
    return tmp_path / "bin"


@pytest.mark.parametrize("archive", [NoArchive(), EmptyArchive()])
def test_without_packages_an_interpreter_on_the_path_serves(tmp_path, path, archive, capsys):
    fake(path, "micropython 1 27 0 64 2822")
    home = tmp_path / "home"
    interpreter.get(home, archive)
    assert interpreter.present(home)
    assert json.loads((home / "micropython.json").read_text()) == {
        "version": "1.27.0",
        "bits": 64,
        "mpy_arch": "x64",
    }
    assert "heap figures are not the chip's" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "status", "complaint"),
    [
        ("micropython 1 23 9 32 1798", 0, "too old"),
        ("cpython 3 11 0 64 0", 0, "not MicroPython"),
        ("", 1, "does not serve"),
        ("hello", 0, "does not serve"),
    ],
)
def test_an_interpreter_that_will_not_do_is_refused(tmp_path, path, answer, status, complaint):
    fake(path, answer, status)
    with pytest.raises(Unavailable, match=complaint):
        interpreter.get(tmp_path / "home", NoArchive())
    assert not interpreter.present(tmp_path / "home")


def test_with_neither_the_message_says_what_was_tried_and_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable) as caught:
        interpreter.get(tmp_path / "home", NoArchive())
    message = str(caught.value)
    assert "this machine has no apt" in message
    assert "no `micropython` on PATH" in message
    assert "Install the unix port (standard variant), 1.24 or newer" in message


def test_a_record_is_not_believed_when_the_interpreter_is_gone(tmp_path, path):
    fake(path, "micropython 1 27 0 64 2822")
    interpreter.get(tmp_path / "home", NoArchive())
    (path / "micropython").unlink()
    assert not interpreter.present(tmp_path / "home")


@pytest.mark.skipif(not (HOME / "micropython").is_dir(), reason="the interpreter is not packaged")
def test_the_packaged_interpreter_runs_from_wherever_it_lies(tmp_path):
    moved = tmp_path / "a folder"
    shutil.copytree(HOME / "bin", moved / "bin")
    shutil.copytree(HOME / "micropython", moved / "micropython", symlinks=True)
    assert interpreter._describe(moved / "bin/micropython")["bits"] in (32, 64)
    hello = subprocess.run(
        [moved / "bin/micropython", "-c", "print('hello')"], capture_output=True, check=True
    )
    assert hello.stdout == b"hello\n"
