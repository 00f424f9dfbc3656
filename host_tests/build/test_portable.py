"""Without native code the hot rooms say the same: their own tests pass on bytecode."""

import ast
import subprocess
from pathlib import Path

import pytest

from host_tests.on_device.conftest import micropython_command
from tools.build import device, mpy
from tools.build.portable import portable
from tools.build.tree import build

ROOT = Path(__file__).resolve().parents[2]
RUNNER = ROOT / "host_tests/on_device/runner.py"


def marks_of_native_code(source):
    return [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr in ("viper", "native")
    ]


@pytest.fixture(scope="module")
def bytecode_root(tmp_path_factory):
    """The repository as MicroPython sees it, its own modules without native code."""
    root = tmp_path_factory.mktemp("portable")
    for name in ("host_tests", ".toolchain"):
        (root / name).symlink_to(ROOT / name)
    for package in ("drivers", "firmware"):
        for source in (ROOT / package).rglob("*.py"):
            target = root / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(portable(source.read_text("utf-8")), "utf-8")
            assert marks_of_native_code(target.read_text("utf-8")) == []
    return root


@pytest.mark.parametrize("story", ["test_card", "test_crypto", "test_message"])
def test_hot_rooms_pass_their_tests_as_bytecode(bytecode_root, story, record_property):
    record_property("interpreter", "micropython")
    run = subprocess.run(
        [micropython_command(), RUNNER, bytecode_root, story],
        cwd=bytecode_root,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "@fail" not in run.stdout, run.stdout
    assert "@pass" in run.stdout, run.stdout + run.stderr


def test_lines_and_other_marks_stay():
    source = (
        "class A:\n"
        "    @property\n"
        "    @micropython.viper  # 字\n"
        "    def f(self, n: int) -> int:\n"
        "        return ptr8(self.a)[n] + ptr32(self.b)[0]\n"
    )
    assert portable(source) == (
        "class A:\n"
        "    @property\n"
        "      # 字\n"
        "    def f(self, n: int) -> int:\n"
        "        return (self.a)[n] + (self.b)[0]\n"
    )


def test_every_module_compiles_without_native_code(tmp_path):
    made = build(device.items("none")[0], tmp_path / "none")
    for path in made.sizes:
        if path.endswith(".mpy"):
            # Byte 2 of the header: the native code's number above the sub-version.
            assert (tmp_path / "none" / path).read_bytes()[2] >> 2 == mpy.ARCHES.index("none")
