"""The first steps on a machine: its Python, its packages, its browser; interrupted or offline."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from base64 import urlsafe_b64encode
from pathlib import Path
from types import SimpleNamespace

import pytest

from host_tests.conftest import ROOT
from tools.toolchain import chromium, stages, venv


def test_an_old_python_is_told_so(monkeypatch, capsys):
    monkeypatch.setattr(venv.sys, "version_info", (3, 9, 2, "final", 0))
    assert venv.main() == 1
    assert "Python 3.11 or newer is needed, this is 3.9" in capsys.readouterr().out


def _other_pythons():
    """Yield (minor version, program) of the other Pythons that are found here."""
    for minor in range(6, 15):
        kept = sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python3"))
        found = shutil.which(f"python3.{minor}")
        for program in [*map(str, kept), *([found] if found else [])]:
            if not subprocess.run([program, "--version"], capture_output=True).returncode:
                yield minor, program
                break


def test_every_python_that_is_here_reads_the_set_up_and_a_newer_one_all_tools():
    for minor, program in _other_pythons():
        if (3, minor) < venv.OLDEST:
            command = [program, "-B", "-m", "tools.toolchain.venv", "run"]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            assert done.returncode == 1
            assert f"Python 3.11 or newer is needed, this is 3.{minor}" in done.stdout
        else:
            read = "import sys; [compile(open(f, encoding='utf-8').read(), f, 'exec')"
            read += " for f in sys.argv[1:]]"
            tools = (ROOT / "tools").rglob("*.py")
            subprocess.run([program, "-W", "error", "-c", read, *tools], check=True)


class Checkout:
    """A copy of the set-up's own files, whose stages are packages of a folder `index`."""

    def __init__(self, folder):
        self.root = folder / "my shop (1)"
        self.index = folder / "index"
        self.index.mkdir()
        here = self.root / "tools/toolchain"
        here.mkdir(parents=True)
        (self.root / "requirements").mkdir()
        for name in ("__init__", "place", "progress", "stages", "venv"):
            (here / f"{name}.py").write_bytes((ROOT / f"tools/toolchain/{name}.py").read_bytes())
        self.ask("run", ["one", "two"])

    def ask(self, stage, names):
        """Have a stage ask for packages, which lie in the index."""
        lines = []
        for name in names:
            digest = hashlib.sha256(_wheel(self.index, name).read_bytes()).hexdigest()
            lines.append(f"{name}==1.0 \\\n    --hash=sha256:{digest}\n")
        (self.root / f"requirements/{stage}.txt").write_text("".join(lines))

    def start(self, *asked, **options):
        """Start the set-up of stages, off the line, and return its process."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PIP_")},
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.index),
            **options,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "tools.toolchain.venv", *asked],
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def set_up(self, *asked, **options):
        """Return (exit status, what was said) of a whole set-up."""
        process = self.start(*asked, **options)
        said, _ = process.communicate(timeout=150)
        return process.returncode, said

    def imports(self, *names):
        """Tell whether the environment can import these packages, wholly."""
        code = "".join(f"import {name}; assert {name}.LAST\n" for name in names)
        python = self.root / ".venv/bin/python"
        return subprocess.run([python, "-c", code], capture_output=True).returncode == 0


def _wheel(folder, name):
    path = folder / f"{name}-1.0-py3-none-any.whl"
    facts = f"{name}-1.0.dist-info"
    files = {
        f"{name}/__init__.py": f"from {name}.more import LAST\n",
        f"{name}/more.py": "# more\n" * 1000 + "LAST = True\n",
        f"{facts}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{facts}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{at},sha256={_digest(text)},{len(text.encode())}\n" for at, text in files.items()
    )
    with zipfile.ZipFile(path, "w") as archive:
        for at, text in {**files, f"{facts}/RECORD": f"{record}{facts}/RECORD,,\n"}.items():
            archive.writestr(at, text)
    return path


def _digest(text):
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


_NOBODY = {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_a_stage_is_installed_once_and_the_next_when_something_needs_it(checkout):
    status, said = checkout.set_up("run")
    assert status == 0 and "2 packages are there" in said
    assert checkout.imports("one", "two")
    checkout.index.rename(checkout.index.with_name("gone"))
    assert checkout.set_up("run") == (0, "")
    checkout.index.with_name("gone").rename(checkout.index)
    checkout.ask("test", ["two", "three"])
    assert not checkout.imports("three")
    status, said = checkout.set_up("test", "run")
    assert status == 0 and said.count("packages are there") == 1
    assert checkout.imports("one", "two", "three")


def test_an_environment_whose_python_is_gone_is_made_anew_with_all_that_is_asked(checkout):
    assert checkout.set_up("run")[0] == 0
    python = checkout.root / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    checkout.ask("test", ["three"])
    assert checkout.set_up("run", "test")[0] == 0
    assert checkout.imports("one", "two", "three")


def test_a_package_that_is_not_the_one_that_was_locked_is_not_installed(checkout):
    with (checkout.index / "two-1.0-py3-none-any.whl").open("ab") as wheel:
        wheel.write(b"more")
    status, said = checkout.set_up("run")
    assert status == 1
    assert "HASHES" in said
    assert not checkout.imports("one")


def test_without_a_network_the_first_line_says_so_and_the_next_run_goes_on(checkout):
    (checkout.index / "two-1.0-py3-none-any.whl").rename(checkout.index / "kept")
    status, said = checkout.set_up("run", **_NOBODY)
    lines = [line for line in said.splitlines() if not re.search(r", \d+ s$", line)]
    assert status == 1
    assert "no network: 2 packages for make run" in lines[0]
    assert "give the same command again" in lines[-1]
    assert len(lines) == 2
    (checkout.index / "kept").rename(checkout.index / "two-1.0-py3-none-any.whl")
    assert checkout.set_up("run")[0] == 0
    assert checkout.imports("one", "two")


def test_what_was_unpacked_in_part_when_it_was_killed_is_unpacked_again(checkout):
    assert checkout.set_up("run")[0] == 0
    [site] = checkout.root.glob(".venv/lib/python*/site-packages")
    (checkout.root / ".venv/run.sha256").unlink()  # as it was then: the mark comes last
    (site / "one/more.py").write_text("# mo")
    (site / "two-1.0.dist-info/RECORD").unlink()
    assert not checkout.imports("one")
    assert checkout.set_up("run")[0] == 0
    assert checkout.imports("one", "two")


def test_a_set_up_that_is_killed_anywhere_is_completed_by_the_next(checkout):
    for delay_s in (0.3, 0.6, 1.0):
        process = checkout.start("run")
        time.sleep(delay_s)  # wherever that is: whatever it left, the next run has to do
        process.kill()
        process.communicate(timeout=150)
    status, _ = checkout.set_up("run")
    assert status == 0
    assert checkout.imports("one", "two")


def test_ctrl_c_says_that_the_next_run_goes_on(checkout):
    (checkout.index / "two-1.0-py3-none-any.whl").unlink()
    process = checkout.start("run", **_NOBODY)
    assert any("no network" in line for line in iter(process.stdout.readline, ""))
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=150)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "toolchain: stopped; the same command goes on from here"


def test_an_environment_that_can_t_be_written_is_said_in_a_line(checkout, monkeypatch, capsys):
    def refused(home):
        raise PermissionError(13, "Permission denied", "/shop/.toolchain")

    monkeypatch.setattr(venv, "locked", refused)
    monkeypatch.setattr(venv, "_complete", lambda stage: False)
    monkeypatch.setattr(venv.sys, "argv", ["venv", "run"])
    assert venv.main() == 1
    assert capsys.readouterr().out.count("\n") == 1


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """An environment that is not there yet, below `tmp_path`."""
    monkeypatch.setattr(venv, "HOME", tmp_path / ".toolchain")
    monkeypatch.setattr(venv, "VENV", tmp_path)
    monkeypatch.setattr(venv.sys, "argv", ["venv", "run"])
    return tmp_path


def test_a_python_without_pip_is_told_what_to_install(fresh, monkeypatch, capsys):
    monkeypatch.setattr(venv, "_works", lambda command: False)
    assert venv.main() == 1
    assert "apt-get install python3-venv" in capsys.readouterr().out


def test_without_a_pip_outside_the_environment_brings_its_own(fresh, monkeypatch):
    tried = []
    monkeypatch.setattr(venv, "_works", lambda command: tried.append(command) or len(tried) > 3)
    monkeypatch.setattr(venv, "_Pip", lambda *facts: SimpleNamespace(
        doing=str, fetched=0, run=lambda command, lock: tried.append(command) or 0))  # fmt: skip
    assert venv.main() == 0
    assert "--without-pip" not in tried[-2]
    assert "--python" not in tried[-1]


def test_every_package_is_pinned_with_its_hashes_for_every_python():
    for stage in stages.STAGES:
        locked = stages.packages(stage)
        wished = stages.wishes(stage).read_text().splitlines()
        for wish in (line for line in wished if not line.startswith("#")):
            name, _, version = wish.partition("==")
            assert locked[name.partition("[")[0]][0] == version
        assert all(hashes for _, hashes in locked.values())
    versions = {}
    for stage in stages.STAGES:
        for name, (version, _) in stages.packages(stage).items():
            assert versions.setdefault(name, version) == version, name


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
