"""The proofs of host_tests/on_device run every line of the hot rooms with the heap locked.

The list of what has to be run is made from the sources: a new function, or a new way out of an
old one, fails here until a proof takes it. Under MicroPython the same proofs run with the heap
really locked; here the lock only marks which lines count.
"""

import ast
import importlib
import sys
from pathlib import Path

import micropython
import pytest

ROOT = Path(__file__).resolve().parents[2]
HOT = [
    path
    for room in ("firmware/card", "firmware/message", "firmware/crypto")
    for path in sorted((ROOT / room).glob("*.py"))
    if path.name != "__init__.py"
]
HOT += [ROOT / f"drivers/{name}.py" for name in ("contactless", "keypad", "magstripe", "pn532")]
PROOFS = ("test_no_allocation", "test_keypad", "test_magstripe")

# Made once, before anything is hot. What is asynchronous waits: the event loop allocates for it.
ALLOWED = {
    "__init__": "makes the buffers",
    "_de": "makes the table of fields and is gone after that",
    "held": "looks for the maintenance key at power-on",
    "_send": "makes a view for the UART, once a command",
    "room": "makes a view, for an answer that comes in parts",
}


def lines_of(path):
    """Return {line: function} of all that runs in the functions of a file, but for ALLOWED."""
    tree = ast.parse(path.read_text("utf-8"))
    bodies = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name not in ALLOWED:
            first = node.body[ast.get_docstring(node) is not None :]
            if first:
                bodies[node.name, first[0].lineno] = node.end_lineno
    code = [compile(tree, str(path), "exec")]
    found = {}
    for part in code:
        code += [constant for constant in part.co_consts if hasattr(constant, "co_lines")]
        for _, _, line in part.co_lines() if part.co_name != "<module>" else ():
            for (name, start), end in bodies.items():
                if name == part.co_name and line and start <= line <= end:
                    found[line] = name
    return found


class Witness:
    """Notes which lines run while the heap counts as locked."""

    def __init__(self, files):
        self.seen = {str(file): set() for file in files}

    def lock(self):
        sys.settrace(self._enter)

    def unlock(self):
        sys.settrace(None)
        return 0

    def _enter(self, frame, event, argument):
        lines = self.seen.get(frame.f_code.co_filename)
        if lines is None:
            return None

        def note(frame, event, argument):
            if event == "line":
                lines.add(frame.f_lineno)
            return note

        return note


def run(proof, witness, patch):
    """Run the tests of one file of proofs, with `witness` in place of the lock."""
    module = importlib.import_module(f"host_tests.on_device.{proof}")
    for place in (micropython, module):
        for name, act in (("heap_lock", witness.lock), ("heap_unlock", witness.unlock)):
            if hasattr(place, name):
                patch.setattr(place, name, act)
    for name in dir(module):
        if name.startswith("test_"):
            getattr(module, name)()


@pytest.fixture(scope="module")
def seen():
    """The lines that ran under the lock in any proof, by file."""
    witness = Witness(HOT)
    with pytest.MonkeyPatch.context() as patch:
        for proof in PROOFS:
            run(proof, witness, patch)
    return witness.seen


@pytest.mark.parametrize("path", HOT, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_every_line_runs_with_the_heap_locked(path, seen):
    missed = {line: name for line, name in lines_of(path).items() if line not in seen[str(path)]}
    assert not missed, f"{path.name}: no proof of these lines: {missed}"


def test_a_line_that_no_proof_runs_is_missed(tmp_path):
    path = tmp_path / "room.py"
    path.write_text('def f(n):\n    """Words."""\n    if n:\n        return 1\n    return 2\n')
    witness = Witness([path])
    namespace = {}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    namespace["f"](0)
    witness.lock()
    namespace["f"](1)
    witness.unlock()
    assert lines_of(path) == {3: "f", 4: "f", 5: "f"}
    assert witness.seen[str(path)] == {3, 4}


def test_byte_code_is_measured_for_frames_too():
    frames = (ROOT / "host_tests/on_device/test_no_frames.py").read_text("utf-8")
    for path in HOT:
        plain = [
            node.name
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.FunctionDef)
            and node.name not in ALLOWED
            and not any("micropython." in ast.unparse(mark) for mark in node.decorator_list)
        ]
        assert not plain or f"def test_{path.stem}():" in frames, f"{path}: {plain}"
