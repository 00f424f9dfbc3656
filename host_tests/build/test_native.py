"""Native code: it compiles for the chip, and what has it is loaded once, at the start.

The chip keeps native code apart from Python's heap and frees it only at a soft reset: a module
that were dropped and loaded again would leave its first copy behind.
"""

import ast
from pathlib import Path

import pytest

from tools.build import device, mpy
from tools.build.link import House

ROOT = Path(__file__).resolve().parents[2]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for package in ("drivers", "firmware")
    for path in (ROOT / package).rglob("*.py")
}
MODULES |= {name: ROOT / f"{name}.py" for name in ("boot", "main")}


def imported(body):
    """Yield the names that the statements of a body import, functions and classes left out."""
    for node in body:
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names):
                yield module
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.If(body=inner) | ast.Try(body=inner):
                yield from imported(inner)


def loaded_with(name):
    """Return the modules of ours that are loaded with `name`."""
    found, left = set(), [name]
    while left:
        module = left.pop()
        if module in MODULES and module not in found:
            found.add(module)
            left += imported(ast.parse(MODULES[module].read_text("utf-8")).body)
    return found


def native(path):
    """Tell whether the file has native code."""
    return any(
        ast.unparse(mark) in ("micropython.viper", "micropython.native")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
        for mark in node.decorator_list
    )


NATIVE = sorted(name for name, path in MODULES.items() if native(path))


def test_native_code_is_loaded_at_the_start_and_stays():
    stays = {name for root, others in device.UNITS.items() for name in (root, *others)}
    assert "firmware.message.codec" in NATIVE
    assert set(NATIVE) - {*device.TO_COME} <= stays  # else it would be dropped after its use
    started = set()
    for start in ("main", "firmware.terminal"):
        for node in ast.walk(ast.parse(MODULES[start].read_text("utf-8"))):
            for name in imported([node]):
                started |= loaded_with(name)
    for root, others in device.UNITS.items():  # else it would come with what is dropped
        assert started & {root, *others}, f"{root} is not loaded before anything comes and goes"


@pytest.mark.parametrize("arch", ["xtensawin", "x86"])
def test_native_code_compiles_for_the_chip_and_for_the_host(arch, tmp_path):
    compiled = 0
    for name, text in device.house().modules().items():
        if "@micropython." in text:
            target = tmp_path / f"{name}.mpy"
            mpy.compile_module(text, name, target, ["-march=" + arch])
            compiled += target.stat().st_size > 0
    assert compiled


def test_a_linked_native_function_keeps_its_types_and_loses_its_names():
    source = (
        "import micropython\n"
        "_SIZE = const(4)\n\n\n"
        "@micropython.viper\n"
        "def f(source: ptr8, count: int, out) -> int:\n"
        "    target = ptr16(out)\n"
        "    target[0] = source[count + _SIZE]\n"
        "    return int(len(out))\n\n\n"
        "f(b'', 0, b'')\n"
    )
    brief = House({"a": source}).text("a")
    for kept in ("ptr8", "ptr16(", "-> int", "int(len(", "@micropython.viper"):
        assert kept in brief
    for gone in ("source", "count", "_SIZE"):
        assert gone not in brief
