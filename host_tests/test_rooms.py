"""Modules come, are used and go; one that finds no room leaves nothing behind."""

import asyncio
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


def test_what_is_asked_is_gone_with_all_that_came_with_it(house):
    house("cellar", "BOTTLES = 3\n")
    house("kitchen", "import cellar\n\n\ndef cook(more):\n    return cellar.BOTTLES + more\n")
    assert rooms.ask("kitchen", "cook", 1) == 4
    assert "kitchen" not in sys.modules
    assert "cellar" not in sys.modules


def test_what_is_awaited_is_there_to_its_end_and_gone_then(house):
    house(
        "kitchen",
        "import asyncio\nimport sys\n\n\nasync def bake(n):\n    await asyncio.sleep(0)\n"
        "    return n, 'kitchen' in sys.modules\n",
    )

    async def story():
        return await rooms.ask("kitchen", "bake", 7)

    assert asyncio.run(story()) == (7, True)
    assert "kitchen" not in sys.modules


@pytest.mark.parametrize("how", ["def", "async def"])
def test_whatever_it_ends_in_it_is_gone(house, how):
    house("kitchen", f"{how} burn():\n    raise ValueError\n")

    async def story():
        await rooms.ask("kitchen", "burn")

    with pytest.raises(ValueError):
        asyncio.run(story())
    assert "kitchen" not in sys.modules


def test_what_is_cancelled_is_gone(house):
    house("kitchen", "import asyncio\n\n\nasync def stew():\n    await asyncio.sleep(60)\n")

    async def dinner():
        await rooms.ask("kitchen", "stew")

    async def story():
        task = asyncio.create_task(dinner())
        await asyncio.sleep(0)
        assert "kitchen" in sys.modules
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())
    assert "kitchen" not in sys.modules


def test_of_a_module_that_finds_no_room_nothing_stays(house):
    house("cellar", "BOTTLES = 3\n")
    house("ballroom", "import cellar\nraise MemoryError\n")
    with pytest.raises(rooms.NoRoom):
        rooms.ask("ballroom", "dance")
    assert "ballroom" not in sys.modules
    assert "cellar" not in sys.modules


@pytest.mark.parametrize("how", ["def", "async def"])
def test_memory_that_ends_half_way_is_no_room_too(house, how):
    house("ballroom", f"{how} dance():\n    raise MemoryError\n")

    async def story():
        await rooms.ask("ballroom", "dance")

    with pytest.raises(rooms.NoRoom):
        asyncio.run(story())
    assert "ballroom" not in sys.modules


def test_what_somebody_else_has_loaded_stays(house):
    house("cellar", "BOTTLES = 3\n")
    house("kitchen", "import cellar\n\n\ndef cook():\n    return cellar.BOTTLES\n")
    house(
        "host",
        "import cellar\nfrom firmware import rooms\n\n\ndef invite():\n"
        "    rooms.ask('kitchen', 'cook')\n    import sys\n    return 'cellar' in sys.modules\n",
    )
    assert rooms.ask("host", "invite")
    assert "cellar" not in sys.modules
