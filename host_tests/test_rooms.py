"""Modules come, are used and go; one that finds no room leaves nothing behind."""

import sys

import pytest

from firmware import rooms


@pytest.fixture
def house(tmp_path, monkeypatch):
    """Return a function that writes a module to be loaded."""
    monkeypatch.syspath_prepend(tmp_path)

    def build(name, text):
        (tmp_path / f"{name}.py").write_text(text)

    return build


def test_what_is_run_is_gone_with_all_that_came_with_it(house):
    house("cellar", "BOTTLES = 3\n")
    house("kitchen", "import cellar\n\n\ndef run(more):\n    return cellar.BOTTLES + more\n")
    assert rooms.run("kitchen", 1) == 4
    assert "kitchen" not in sys.modules
    assert "cellar" not in sys.modules


def test_of_a_module_that_finds_no_room_nothing_stays(house):
    house("cellar", "BOTTLES = 3\n")
    house("ballroom", "import cellar\nraise MemoryError\n")
    with pytest.raises(rooms.NoRoom):
        rooms.load("ballroom")
    assert "ballroom" not in sys.modules
    assert "cellar" not in sys.modules


def test_what_somebody_else_has_loaded_stays(house):
    house("cellar", "BOTTLES = 3\n")
    house("kitchen", "import cellar\n\n\ndef run():\n    return cellar.BOTTLES\n")
    _, mine = rooms.load("cellar")
    rooms.run("kitchen")
    assert "cellar" in sys.modules
    rooms.drop(mine)
