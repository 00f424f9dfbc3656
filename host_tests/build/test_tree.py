"""The device's files are made once, anew when their inputs change, and removed when dropped."""

import shutil
import subprocess

import pytest

from tools.build import mpy
from tools.build.tree import BuildError, Item, build
from tools.toolchain import HOME


def text(path, content):
    """An item with this content."""
    return Item(path, (content,), lambda target: target.write_bytes(content))


def broken(path):
    """An item that leaves half a file and fails."""

    def make(target):
        target.write_bytes(b"half")
        raise BuildError("does not compile")

    return Item(path, (b"",), make)


def files(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


@pytest.fixture
def out(tmp_path):
    return tmp_path / "device"


def test_a_second_build_makes_nothing(out):
    items = [text("a", b"1"), text("lib/b", b"22")]
    first = build(items, out)
    assert (first.made, first.sizes) == (["a", "lib/b"], {"a": 1, "lib/b": 2})
    assert build(items, out).made == []


def test_only_what_changed_is_made_again(out):
    build([text("a", b"1"), text("b", b"2")], out)
    assert build([text("a", b"1"), text("b", b"3")], out).made == ["b"]
    assert (out / "b").read_bytes() == b"3"


def test_a_file_that_went_missing_is_made_again(out):
    build([text("a", b"1")], out)
    (out / "a").unlink()
    assert build([text("a", b"1")], out).made == ["a"]


def test_a_dropped_file_goes_with_its_empty_folder_and_a_strangers_file_stays(out):
    build([text("a", b"1"), text("gone/b", b"2"), text("kept/c", b"3")], out)
    (out / "kept/own.txt").touch()
    assert build([text("a", b"1")], out).removed == ["gone/b", "kept/c"]
    assert files(out) == ["a", "kept/own.txt"]
    assert not (out / "gone").exists()


def test_an_error_keeps_what_was_made_and_leaves_no_half_file(out):
    with pytest.raises(BuildError):
        build([text("a", b"1"), broken("b")], out)
    assert files(out) == ["a"]
    assert build([text("a", b"1"), text("b", b"2")], out).made == ["b"]


def test_a_folder_that_the_build_did_not_make_is_refused(out):
    out.mkdir()
    (out / "precious").touch()
    with pytest.raises(BuildError, match="was not made by this build"):
        build([text("a", b"1")], out)
    assert files(out) == ["precious"]


def test_an_unreadable_manifest_means_that_all_is_made_again(out):
    build([text("a", b"1")], out)
    out.with_name("device.manifest.json").write_text("{")
    assert build([text("a", b"1")], out).made == ["a"]


def test_inputs_do_not_run_together():
    def make(target):
        target.touch()

    assert Item("a", (b"ab", b"c"), make).digest != Item("a", (b"a", b"bc"), make).digest


def test_a_module_is_named_in_a_traceback(out):
    if not (HOME / "micropython.json").exists():
        pytest.skip("no interpreter in .toolchain")
    source = "def fail():\n    raise ValueError\n"
    build([mpy.module(source, "firmware/x.py", mpy.host_arch())], out)
    run = subprocess.run(
        [HOME / "bin/micropython", "-c", "from firmware import x; x.fail()"],
        cwd=out,
        capture_output=True,
        text=True,
    )
    assert 'File "firmware.x", line 1, in fail' in run.stdout + run.stderr


def test_native_code_needs_a_target_that_takes_it(out):
    source = "import micropython\n@micropython.viper\ndef f(a: int) -> int:\n  return a\n"
    with pytest.raises(BuildError, match="hot does not compile"):
        build([mpy.module(source, "hot.py", "none")], out)
    shutil.rmtree(out, ignore_errors=True)
    for arch in ("x86", "x64", "xtensawin"):
        assert build([mpy.module(source, "hot.py", arch)], out).made == ["hot.mpy"]
