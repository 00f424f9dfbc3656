"""What an errand is given is declared, and it reaches into nothing else."""

import ast
import re
from pathlib import Path

import pytest

from firmware.desk import Desk

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
AT_THE_DESK = (*sorted(FIRMWARE.rglob("errands/*.py")), FIRMWARE / "fault.py")


def asked_for(source):
    """Return the names asked for of a desk, and those of private things of somebody else."""
    asked, private = set(), set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Attribute):
            continue
        owner = ast.unparse(node.value)
        if owner in ("desk", "self._desk"):
            asked.add(node.attr)
        if node.attr.startswith("_") and owner != "self":
            private.add(f"{owner}.{node.attr}")
    return asked, private


def declared():
    """Return the names that the desk's docstring says, with those of its public methods."""
    said = set(re.findall(r"\b([a-z]+): ", Desk.__doc__)) | {"board"}
    return said | {name for name in vars(Desk) if not name.startswith("_")}


@pytest.mark.parametrize("path", AT_THE_DESK, ids=lambda path: path.name)
def test_an_errand_asks_only_for_what_is_declared(path):
    asked, private = asked_for(path.read_text("utf-8"))
    assert asked <= declared()
    assert not private


def test_every_attribute_is_said_in_the_docstring():
    source = ast.parse((FIRMWARE / "desk.py").read_text("utf-8"))
    given = {
        node.attr
        for node in ast.walk(source)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and ast.unparse(node.value) == "self"
    }
    assert given and given <= declared()


def test_an_errand_that_reaches_further_is_found():
    planted = "async def run(desk):\n    desk.drawer.open()\n    desk.sync._busy = 1\n"
    assert asked_for(planted) == ({"drawer", "sync"}, {"desk.sync._busy"})
