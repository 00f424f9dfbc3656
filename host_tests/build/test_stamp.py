"""A build that has nothing to do knows it from one hash: what is built is what the sources say."""

import os
import subprocess
import sys

import pytest

from host_tests.conftest import ROOT
from tools.build import __main__ as command
from tools.build import device, stamp
from tools.build.tree import BuildError

_WATCHED = """\
import runpy, sys
read = set()
sys.addaudithook(lambda event, of: event == "open" and read.add(str(of[0])))
sys.argv = ["tools.build", "--out", sys.argv[1]]
try:
    runpy.run_module("tools.build", run_name="__main__")
finally:
    print("\\n".join(read))
"""


def _built(out, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "tools.build", "--out", out],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _files(out):
    return {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with a build, and the names of the repository's files that were read for it."""
    out = tmp_path_factory.mktemp("built") / "device"
    done = subprocess.run(
        [sys.executable, "-X", f"pycache_prefix={out}.cache", "-c", _WATCHED, out],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    here = f"{ROOT}{os.sep}"
    read = {name.removeprefix(here) for name in done.stdout.splitlines() if name.startswith(here)}
    return out, {name for name in read if name.endswith((".py", ".txt", ".json", ".pcf", ".woff"))}


def test_all_that_a_build_reads_is_in_its_hash(built):
    _, read = built
    listed = {str(path.relative_to(ROOT)) for path in stamp.inputs()}
    # What only carries the work: nothing on the device is made from it.
    carriers = ("tools/__init__.py", "tools/toolchain/", "tools/device/", ".venv/")
    carriers += ("tools/command_line.py",)
    assert {name for name in read if not name.startswith(carriers)} <= listed
    assert {"boot.py", "firmware/text/zh.json", "drivers/pins.py"} <= read


def test_a_build_that_has_nothing_to_do_links_nothing(built, monkeypatch):
    out, _ = built
    monkeypatch.setattr(device, "items", lambda arch: pytest.fail("it parsed the firmware"))
    monkeypatch.setattr(sys, "argv", ["tools.build", "--out", str(out)])
    assert command.main() == 0


@pytest.mark.parametrize("harm", ["gone", "shorter"])
def test_a_file_of_the_device_that_was_harmed_is_made_again(built, harm):
    out, _ = built
    before = _files(out)
    if harm == "gone":
        (out / "main.py").unlink()
        assert "1 made" in _built(out)
    else:
        (out / "main.py").write_bytes(b"")
        _built(out)
    assert _files(out) == before


def test_a_source_that_changed_is_seen(monkeypatch, tmp_path):
    (tmp_path / "drivers").mkdir()
    source = tmp_path / "drivers" / "pins.py"
    source.write_text("ROWS = 1\n")
    monkeypatch.setattr(stamp, "_ROOT", tmp_path)
    before = stamp.digest(None)
    source.write_text("ROWS = 2\n")
    changed = stamp.digest(None)
    source.rename(source.with_name("rows.py"))
    assert len({before, changed, stamp.digest(None)}) == 3


def test_a_build_that_failed_has_no_stamp(tmp_path, monkeypatch):
    def broken(arch):
        raise BuildError("a source does not compile")

    out = tmp_path / "device"
    _built(out)
    monkeypatch.setattr(stamp, "digest", lambda arch: "of a source that changed")
    monkeypatch.setattr(device, "items", broken)
    monkeypatch.setattr(sys, "argv", ["tools.build", "--out", str(out)])
    assert command.main() == 1
    assert stamp.done(out, "of a source that changed") is None


def test_a_build_is_the_same_wherever_it_is_made(built, tmp_path):
    out, _ = built
    elsewhere = tmp_path / "device"
    umask = os.umask(0o077)
    try:
        _built(elsewhere, TZ="Pacific/Kiritimati", LANG="C", LC_ALL="C", PYTHONUTF8="0")
    finally:
        os.umask(umask)
    assert _files(elsewhere) == _files(out)


def test_a_source_that_is_no_python_is_named_in_a_line(tmp_path, monkeypatch, capsys):
    broken = tmp_path / "pins.py"
    broken.write_text("ROWS = \n")
    monkeypatch.setattr(device, "_own_modules", lambda: [(broken, "drivers/pins.py")])
    monkeypatch.setattr(sys, "argv", ["tools.build", "--out", str(tmp_path / "device")])
    assert command.main() == 1
    said = capsys.readouterr().err
    assert said.startswith("build: drivers.pins does not compile") and said.count("\n") == 1
