"""The same tree gives the same bytes: on another day, in another folder, by another person."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from host_tests.build import stock
from host_tests.conftest import ROOT

LATER_S = 40 * 86400

# What Python takes for today, in a process that finds this on its path.
ANOTHER_DAY = f"""\
import datetime, time
real, span = time.time, datetime.timedelta(seconds={LATER_S})
time.time = lambda: real() + {LATER_S}
time.time_ns = lambda: int(time.time() * 1e9)
for name in ("gmtime", "localtime"):
    convert = getattr(time, name)
    setattr(time, name, lambda at=None, c=convert: c(time.time() if at is None else at))
class Later(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + span
datetime.datetime = Later
"""


def copied(folder, moved_s=0):
    """Copy what is built from to `folder`, its files `moved_s` older."""
    for name in ("drivers", "firmware", "tools"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("boot.py", "main.py", "start.py"):
        shutil.copy(ROOT / name, folder)
    (folder / ".toolchain").symlink_to(ROOT / ".toolchain")
    for path in folder.glob("[a-z]*/**/*"):
        os.utime(path, times=(time.time() - moved_s,) * 2)
    return folder


def run(folder, *command, umask, **environment):
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        umask=umask,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def made(folder, firmware, **machine):
    """Build for the chip and for this machine, and an image; return {file: SHA-256}."""
    run(folder, "-m", "tools.build", "--arch", "xtensawin", **machine)
    run(folder, "-m", "tools.build", **machine)
    run(folder, "-m", "tools.build.image", "--firmware", firmware, **machine)
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (folder / "build").rglob("*")
        if path.is_file()
    }


def test_the_image_and_all_it_is_made_of_are_the_same_in_another_folder_on_another_day(tmp_path):
    if not (ROOT / ".toolchain/micropython.json").is_file():
        pytest.skip("there is no interpreter to build for")
    (tmp_path / "stock.bin").write_bytes(stock.firmware())
    (tmp_path / "later").mkdir()
    (tmp_path / "later/sitecustomize.py").write_text(ANOTHER_DAY)
    here = {"umask": 0o022, "PYTHONHASHSEED": "1", "TZ": "Asia/Shanghai"}
    there = {"umask": 0o077, "PYTHONHASHSEED": "2", "TZ": "UTC", "LC_ALL": "C"}
    there["PYTHONPATH"] = str(tmp_path / "later")
    assert float(run(tmp_path, "-c", "import time; print(time.time())", **there)) > (
        time.time() + LATER_S / 2
    )
    one, other = copied(tmp_path / "one"), copied(tmp_path / "an other (1) 中", LATER_S)
    with ThreadPoolExecutor() as pool:
        builds = [
            pool.submit(made, folder, tmp_path / "stock.bin", **machine)
            for folder, machine in ((one, here), (other, there))
        ]
        first, second = (build.result() for build in builds)
    assert {"build/rebind-esp32.bin", "build/device/main.py"} <= set(first)
    assert [name for name in first if first[name] != second.get(name)] == []
    assert set(first) == set(second)
