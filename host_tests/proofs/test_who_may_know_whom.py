"""Imports point down only, and only the drivers know hardware: docs/architecture.md, as a table.

What is loaded while it is used counts as well: a module is then named in a text, or an errand by
what is given to the desk's `open`.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

ROOMS = {
    "card": (),
    "crypto": (),
    "message": (),
    "storage": ("crypto",),
    "access": ("storage", "crypto"),
    "binding": ("storage", "card"),
    "acquirer": ("access", "binding", "storage", "message", "card", "crypto"),
    "ui": ("crypto",),
    "errands": ("ui", "access", "binding", "acquirer", "storage", "card", "crypto"),
}
"""Each room of the firmware, and the rooms that it may know."""

AT_THE_TOP = {
    "rooms": (),
    "services": ("acquirer", "binding", "storage", "crypto"),
    "service": ("ui", "storage"),
    "fault": ("ui", "binding", "storage", "crypto"),
    "desk": ("ui", "errands"),
    "terminal": (*ROOMS, "desk", "services", "service", "fault"),
}
"""The same of the files beside the rooms. All may know `rooms`."""

HARDWARE = {"bluetooth", "esp", "esp32", "machine", "network", "socket", "ssl", "ssd1306", "tls"}
WHICH_MACHINE = {"implementation", "platform"}  # of sys: nothing asks what it runs on


def known_to(source):
    """Return the full names of all that this source imports, loads for a while or opens."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=found):
                names |= {alias.name for alias in found}
            case ast.ImportFrom(module=module, names=found, level=0):
                names |= {f"{module}.{alias.name}" for alias in found}
            case ast.ImportFrom():
                names.add("a relative import")
            case ast.Constant(value=str(text)) if re.fullmatch(
                r"(drivers|firmware)(\.\w+)+", text
            ):
                names.add(text)
            case ast.Call(
                func=ast.Attribute(attr="open"), args=[ast.Constant(value=str(errand)), *_]
            ):
                names.add(f"firmware.errands.{errand}")
            case ast.Attribute(value=ast.Name(id="sys"), attr=attr) if attr in WHICH_MACHINE:
                names.add(f"sys.{attr}")
    return names


def forbidden(path, source):
    """Return what the file at `path` (relative to the root) must not know of what it does."""
    place, *rest = Path(path).with_suffix("").parts
    room = rest[0]
    return sorted(name for name in known_to(source) if not _allowed(place, room, name))


def _allowed(place, room, name):
    top, *below = name.split(".")
    if top in ("tools", "host_tests", "a relative import"):
        return False
    if place == "drivers":
        return top != "firmware" or below[:1] == ["rooms"]
    if top in ("drivers", *HARDWARE) or name in {f"sys.{attr}" for attr in WHICH_MACHINE}:
        return False
    if top != "firmware" or below[0] in (room, "rooms"):
        return True
    return below[0] in (ROOMS | AT_THE_TOP)[room]


def _sources():
    for folder in ("drivers", "firmware"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            inside = path.relative_to(ROOT).as_posix()
            if inside.count("/") > 1 or path.name != "__init__.py":
                yield inside


@pytest.mark.parametrize("path", list(_sources()))
def test_a_file_knows_only_what_lies_below_it(path):
    assert forbidden(path, (ROOT / path).read_text("utf-8")) == []


PLANTED = {
    "a domain that knows the screen": ("firmware/binding/x.py", "from firmware.ui import pages"),
    "a domain that knows the wire": (
        "firmware/binding/x.py",
        "from firmware.acquirer import line",
    ),
    "a domain that loads the wire": (
        "firmware/binding/x.py",
        'rooms.ask("firmware.acquirer.sign_on", "run", sync)',
    ),
    "a domain that opens an errand": ("firmware/binding/x.py", 'await desk.open("restore")'),
    "a hot room that knows another": ("firmware/card/x.py", "from firmware.crypto import wipe"),
    "a driver that knows the business": ("drivers/x.py", "from firmware.storage import state"),
    "firmware that knows hardware": ("firmware/ui/x.py", "import machine"),
    "firmware that knows a driver": ("firmware/acquirer/x.py", "import drivers.clock"),
    "firmware that asks what it runs on": ("firmware/ui/x.py", "import sys\nsys.platform"),
    "firmware that knows the tools": ("firmware/terminal.py", "from tools.build import link"),
    "a driver that knows the tests": ("drivers/x.py", "import host_tests.stubs.machine"),
    "a path that hides where it leads": ("firmware/ui/x.py", "from ..storage import state"),
}


@pytest.mark.parametrize(("path", "source"), PLANTED.values(), ids=PLANTED)
def test_a_planted_import_is_found(path, source):
    assert forbidden(path, source)
