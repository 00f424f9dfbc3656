"""The picture of a survived cut shows what happened on the flash, and can be drawn."""

import pytest

from tools.bench import journal_picture as picture
from tools.bench.interpreter import run
from tools.simulator.interpreter import NoInterpreter, command


@pytest.fixture(scope="module")
def told():
    try:
        command()
    except NoInterpreter as missing:
        pytest.skip(str(missing))
    return list(run("picture"))


@pytest.fixture
def stages(told, record_property):
    record_property("interpreter", "micropython")
    return {facts["stage"]: facts for facts in told[:-1]}


def kinds(stage):
    return {kind for parts in stage["sectors"] for _, _, kind in parts}


def test_the_old_binding_stands_until_the_new_one_is_whole(told, stages):
    old, new = stages["before"]["binding"], told[-1]["new"]
    found = [facts["binding"] for facts in stages.values()]
    assert found == [old, old, old, old, new]
    assert old != new


def test_what_is_cut_is_torn_and_a_start_writes_nothing(stages):
    assert "torn" not in kinds(stages["before"])
    assert "torn" in kinds(stages["cut"])
    mount = stages["mount"]
    assert (mount["programmed_bytes"], sum(mount["erases"])) == (0, 0)
    assert mount["sectors"] == stages["cut"]["sectors"]
    assert all(reads > 0 for reads in mount["reads"])


def test_both_pictures_are_drawn_and_small(told, stages, tmp_path, monkeypatch):
    monkeypatch.setattr(picture, "PICTURES", tmp_path)
    monkeypatch.setattr(picture, "run", lambda part: told)
    assert picture.main() == 0
    sizes = [path.stat().st_size for path in sorted(tmp_path.glob("journal*.png"))]
    assert len(sizes) == 2
    assert max(sizes) < 150_000


def test_a_cell_has_the_colour_of_what_lies_there():
    rows = picture.cells([(0, 32, "header"), (256, 288, "torn")])
    assert rows[0][1] == picture.to_rgb(picture.COLORS["header"])
    assert rows[1][1] == picture.to_rgb(picture.COLORS["torn"])
    assert rows[0][2] == rows[1][2] == rows[15][15] == picture.to_rgb(picture.BLANK)
