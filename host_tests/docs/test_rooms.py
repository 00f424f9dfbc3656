"""The table of rooms in docs/architecture.md names every file that lies in them."""

import re

import pytest

from host_tests.conftest import ROOT

FIRMWARE = ROOT / "firmware"
# Of the errands it names the parts alone: what a person does is a file, and the menu its list.
NAMED = [path for path in sorted(FIRMWARE.iterdir()) if any(path.glob("*.py"))]
NAMED = [path.name for path in NAMED if path.name != "errands"]


def table():
    """Return {room: what is said of it}; rooms in one row are told together."""
    text = (ROOT / "docs/architecture.md").read_text("utf-8").partition("```\n")[2]
    rows = re.findall(
        r"^    ((?:\w+/ )+) +(.+\n(?: {6,}.+\n)*)", text.partition("```")[0], re.MULTILINE
    )
    return {room: said for rooms, said in rows for room in re.findall(r"\w+", rooms)}


@pytest.mark.parametrize("room", NAMED)
def test_a_room_is_told_with_every_file_in_it(room):
    files = {path.stem for path in (FIRMWARE / room).glob("*.py")} - {"__init__"}
    assert files <= set(re.findall(r"\w+", table()[room]))
