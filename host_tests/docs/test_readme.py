"""What the README says must be so: pins as in the board's table, links that lead somewhere."""

import ast
import re

import pytest

from host_tests.conftest import ROOT

PAGES = [ROOT / "README.md", ROOT / "README.zh.md", *sorted((ROOT / "docs").glob("*.md"))]


def board_pins():
    tree = ast.parse((ROOT / "drivers/pins.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "PINS":
            return ast.literal_eval(node.value)
    raise AssertionError("drivers/pins.py has no PINS")


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_table_of_pins_is_the_boards(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
        and "`esp32" in line
        or re.match(r"\|[^|]*\|[^|]*\|( [\d ]+\|){3}", line)
    ]
    boards = [cell.strip("`") for cell in rows[0][2:]]
    columns = {board: [row[2 + at] for row in rows[1:]] for at, board in enumerate(boards)}
    expected = {
        board: [" ".join(map(str, pins)) for pins in (rows, columns, bus, reader[1:], (buzzer,))]
        for board, (rows, columns, bus, reader, buzzer) in board_pins().items()
    }
    assert columns == expected


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []
