"""What nothing ever uses is found, and keeps the firmware from being built."""

import pytest

from tools.build import device
from tools.build.reach import unreached
from tools.build.tree import BuildError

SHOP = {
    "shop.rooms": "def ask(path, what):\n    pass",
    "shop.hall": """
from shop import rooms
from shop.till import LIMIT, Till
LANGUAGE = "zh"
_ERRANDS = ("buy",)

class Hall:
    def __init__(self):
        self.till = Till(LANGUAGE)

    async def open(self, name):
        await rooms.ask("shop.errands." + name, "run")

    async def stand(self):
        for name in _ERRANDS:
            await self.open(name)
        return self.till.total() < LIMIT
""",
    "shop.till": """
LIMIT = 9

class Till:
    coins = 3

    def __init__(self, language):
        pass

    def total(self):
        return self._sum(self.coins)

    def _sum(self, n):
        return n
""",
    "shop.errands.buy": "async def run():\n    pass",
}
MAIN = "from shop.hall import Hall\nHall().stand()"

PLANTED = {
    "a module": ("shop.cellar", "def go():\n    pass", "shop.cellar"),
    "an errand that no menu has": (
        "shop.errands.sell",
        "async def run():\n    pass",
        "shop.errands.sell",
    ),
    "a function": ("shop.hall", "def sing():\n    pass", "shop.hall.sing"),
    "a function that only itself calls": ("shop.hall", "def f():\n    f()", "shop.hall.f"),
    "a coroutine": ("shop.hall", "async def nap():\n    pass", "shop.hall.nap"),
    "a class": ("shop.till", "class Safe:\n    pass", "shop.till.Safe"),
    "a method": ("shop.till", "    def count(self):\n        pass", "shop.till.Till.count"),
    "a constant": ("shop.till", "MOST = 4", "shop.till.MOST"),
    "a constant of a class": ("shop.till", "    notes = 3", "shop.till.Till.notes"),
    "a function beside the errand's": (
        "shop.errands.buy",
        "def price():\n    pass",
        "shop.errands.buy.price",
    ),
}


def test_of_what_is_used_nothing_is_named():
    assert unreached(SHOP, [MAIN], ("shop.errands.",)) == []


@pytest.mark.parametrize(("module", "source", "name"), PLANTED.values(), ids=PLANTED)
def test_what_is_never_used_is_named_and_nothing_else(module, source, name):
    planted = {**SHOP, module: SHOP.get(module, "") + "\n" + source}
    assert unreached(planted, [MAIN], ("shop.errands.",)) == [name]


def test_an_errand_whose_name_is_put_together_is_used():
    planted = {**SHOP, "shop.errands.field_name": "async def run():\n    pass"}
    planted["shop.errands.buy"] = (
        "async def run(desk, name):\n    await desk.open('field_' + name)"
    )
    assert unreached(planted, [MAIN], ("shop.errands.",)) == ["shop.errands.field_name"]
    planted["shop.hall"] += '_FIELDS = ("name", "kind")\nprint(_FIELDS)'
    assert unreached(planted, [MAIN], ("shop.errands.",)) == []


def test_what_a_dead_module_alone_uses_is_dead_with_it():
    used = SHOP["shop.till"] + "\ndef help():\n    pass\n"
    planted = {**SHOP, "shop.till": used, "shop.cellar": "from shop.till import help\nhelp()"}
    assert unreached(planted, [MAIN], ("shop.errands.",)) == ["shop.cellar", "shop.till.help"]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("firmware/acquirer/exchange.py", "def run():\n    pass\n"),
        ("firmware/errands/shop.py", "async def run(desk):\n    pass\n"),
    ],
)
def test_a_module_that_main_never_comes_to_fails_the_build(monkeypatch, tmp_path, module, source):
    planted = tmp_path / "planted.py"
    planted.write_text(source)
    own = [*device._own_modules(), (planted, module)]
    monkeypatch.setattr(device, "_own_modules", lambda: iter(own))
    name = module.removesuffix(".py").replace("/", ".")
    with pytest.raises(BuildError, match=rf"^nothing .* uses {name}: remove it$"):
        device.house()


def test_what_is_to_come_fails_the_build_once_it_is_used_or_gone(monkeypatch):
    monkeypatch.setattr(device, "TO_COME", (*device.TO_COME, "firmware.desk.Desk.open"))
    with pytest.raises(BuildError, match=r"^firmware\.desk\.Desk\.open is used, or gone"):
        device.house()


def test_what_is_to_come_is_not_on_the_device():
    linked = device.house().modules()
    assert "drivers.pn532" not in {*linked, *device.house().places().values()}
