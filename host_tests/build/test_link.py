"""What is linked weighs less and does the same; what may be seen from outside stays."""

import ast
import builtins
import importlib
import subprocess
import sys

import pytest

from host_tests.on_device.conftest import micropython_command
from tools.build import device
from tools.build.link import Exposed, House, rom

LIMITS = """
from micropython import const

LIMIT = const(3)
SHARED = const(LIMIT + 1)
_OWN = const(9)
kept = 5
"""

TOTAL = '''"""About _total."""
import struct
from shop.limits import (
    LIMIT,  # put in
    SHARED as MOST,
    kept,
)
from shop import limits

_table = [1, 2]
count = 0


def _total(numbers, start=0):
    for number in numbers:
        start += number
    return start


def unused():
    return struct.pack("b", 1)


class Sum:
    default = _table

    def __init__(self, first, step=1):
        global count
        count += 1
        self._total = first
        self._host = step
        self._x = self._y = None
        self.total = _total([first, LIMIT])

    def _add(self, n):
        self._total += n * self._host

    def add(self, n, ):
        self._add(n), self._add(-MOST + limits.LIMIT + kept)
        return self._total

    def counted(self):
        return count

    def unheard(self):
        pass
'''

TILL = """
from shop import total
from shop.total import Sum
from shop.limits import SHARED


class Till:
    drawer = total.Sum

    def __init__(self, first):
        self.sum = Sum(first, step=2)

    def ring(self, prices):
        def same(price, times=SHARED):
            return [price for _ in range(times)]

        return [self.sum.add(price) for price in prices] + same(price=self.sum.total)

    def opened(self):
        return self.sum.counted(), self.drawer.default


def begin():
    from shop.total import Sum as Again

    return Till(1), Again(0)
"""

SHOP = {"shop.limits": LIMITS, "shop.total": TOTAL, "shop.till": TILL}
GUEST = """
from shop import till
shop, _ = till.begin()
said = shop.ring([5, 6]), shop.opened()
"""


@pytest.fixture
def visit(tmp_path, monkeypatch):
    """Return a function that puts the modules of a shop in place, and returns what GUEST says."""

    def visiting(texts, guest=GUEST):
        for name in [name for name in sys.modules if name.split(".")[0] == "shop"]:
            del sys.modules[name]
        for name, text in texts.items():
            path = tmp_path / (name.replace(".", "/") + ".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        importlib.invalidate_caches()
        there = {}
        exec(guest, there)  # noqa: S102 (the point of the test)
        return there["said"]

    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return visiting


@pytest.mark.parametrize(
    "units",
    [
        {},
        {"shop.till": ("shop.total", "shop.limits")},
        {"shop.till": ("shop.total",), "shop.limits": ()},
        {"shop.total": ("shop.limits",)},
    ],
    ids=["apart", "all", "two", "below"],
)
def test_a_linked_house_does_the_same(visit, units):
    house = House(SHOP, (GUEST,), units=units)
    linked = house.modules()
    assert visit(linked) == visit(SHOP) == (([9 + 10, 19 + 12 + 8] + [4] * 4), (2, [1, 2]))
    till = linked["shop.till"]
    for word in ("LIMIT", "SHARED", "MOST", "self", "first", "_table", "unused", "unheard"):
        assert word not in till + linked["shop.total"], word
    for word in ("struct", "_OWN", "About"):
        assert word not in "".join(linked.values()), word
    for word in ("begin", "ring", "opened"):  # the guest speaks of them
        assert word in till


def test_every_module_of_a_unit_can_still_be_asked_for(visit):
    house = House(SHOP, (GUEST,), units={"shop.till": ("shop.total", "shop.limits")})
    guest = (
        "from shop.limits import LIMIT, kept\nfrom shop.total import Sum\nfrom shop import till\n"
        "shop, other = till.begin()\nsaid = LIMIT, kept, type(other) is Sum"
    )
    assert visit(house.modules(), guest) == (3, 5, True)


HOUSES = {
    "shop.main": "from shop import rooms\ndef go(what):\n"
    "    return rooms.ask('shop.till', 'sell'), rooms.ask('shop.errands.' + what, 'run')",
    "shop.rooms": "import sys\ndef ask(path, what):\n    __import__(path)\n"
    "    return getattr(sys.modules[path], what)()",
    "shop.till": "from shop.rooms import ask\ndef sell():\n    from shop import box\n"
    "    return box.open() and ask is not None",
    "shop.box": "def open():\n    return 5",
    "shop.errands.buy": "from shop import box\ndef run():\n    return box.open()",
}


def test_what_is_asked_for_by_the_house_alone_lies_at_the_root_under_a_short_name(visit):
    guest, visitor = "from shop import main\nmain.go", "from shop.box import open"
    house = House(HOUSES, (guest,), (visitor,), folders={"shop.errands.": "e_"})
    places = house.places()
    assert {places[place] for place in places} == set(HOUSES) - {"shop.main"}
    assert set(places) - {"e_buy"} < rom()[0]
    linked = house.modules()
    assert {name for name in linked if "." in name} == {"shop.main", "shop.box"}
    assert "sell" not in "".join(linked.values())
    assert visit(linked, f"{guest}\n{visitor}\nsaid = main.go('buy'), open()") == ((True, 5), 5)


def test_no_module_of_the_interpreter_is_hidden_by_one_of_ours_nor_hides_it():
    places = device.house().places()
    assert len({place.lower() for place in places}) == len(places) > 50
    program = (
        "import sys\nsys.path.clear()\n"
        f"for name in {sorted(places)!r}:\n"
        "    try:\n        __import__(name)\n        print(name)\n"
        "    except ImportError:\n        pass\n"
    )
    done = subprocess.run(
        [micropython_command(), "-c", program], capture_output=True, text=True, check=True
    )
    assert not done.stdout


def test_a_folder_of_which_a_guest_speaks_is_not_moved():
    with pytest.raises(Exposed, match=r"shop\.errands\.buy can't be moved"):
        House(HOUSES, ("import shop.errands.buy",), folders={"shop.errands.": "e_"})


def test_what_two_names_stand_for_never_becomes_one():
    house = device.house()
    for root, members in house._units.items():
        given = [brief for (name, _), brief in house._given.items() if name in members]
        assert len(set(given)) == len(given), root
    for module in house._modules.values():
        attributes = [*module.private.values(), *house._public.values()]
        assert len(set(attributes)) == len(attributes), module.name
        assert not set(house._parameters) & set(house._given.values())
        kept = {
            node.attr
            for node in ast.walk(ast.parse(house.text(module.name)))
            if isinstance(node, ast.Attribute)
        } - set(attributes)
        assert not kept & set(house._public)


@pytest.mark.memory
def test_the_shared_names_are_in_rom():
    everywhere, here = rom()
    program = (
        "import micropython\n"
        f"names = {sorted(everywhere | here)!r}\n"
        "class A:\n    pass\n"
        "micropython.qstr_info()\n"
        "for name in names:\n    getattr(A, name, None)\n"
        "micropython.qstr_info()\n"
        "getattr(A, 'this' + '_is_new', None)\n"
        "micropython.qstr_info()\n"
    )
    done = subprocess.run(
        [micropython_command(), "-c", program], capture_output=True, text=True, check=True
    )
    before, after, more = (
        int(line.split("n_qstr=")[1].split(",")[0])
        for line in done.stdout.splitlines()
        if line.startswith("qstr pool")
    )
    assert before == after
    assert more == after + 1  # so the count would have told


def test_no_builtin_is_hidden():
    house = device.house()
    bare = {*house._given.values(), *house._parameters}
    stays = {word for (_, word), brief in house._given.items() if word == brief}
    assert not (bare - stays) & set(dir(builtins))


def test_a_module_is_not_imported_for_its_constants_alone():
    sources = {
        "shop.a": "from micropython import const\nLIMIT = const(3)\nkept = 5",
        "shop.b": "from shop import a\nfrom shop import (\n  a as c,\n)\nx = a.LIMIT, c.LIMIT",
        "shop.c": "from shop import a\nx = 3 - -a.LIMIT + a.kept",
    }
    linked = House(sources).modules()
    assert "import" not in linked["shop.b"]
    assert "from shop import a as" in linked["shop.c"]


def test_a_row_of_constants_is_put_in_where_it_is_used(visit):
    sources = {
        "shop.a": "from micropython import const\nA = const(3)\nROW = const((A, b'x'))\nkept = 5",
        "shop.b": "from shop import a\nrow = a.ROW\n",
    }
    guest = "from shop.b import row\nsaid = row"
    linked = House(sources, (guest,)).modules()
    assert "import" not in linked["shop.b"] and "ROW" not in linked["shop.a"]
    assert visit(linked, guest) == (3, b"x")


def test_a_parameter_passed_by_name_keeps_it():
    source = "def f(price, other=1):\n    return price, other\nx = f(price=2)"
    linked = House({"shop.a": source}).text("shop.a")
    assert "price=2" in linked and "other" not in linked


def test_an_attribute_of_somebody_else_stays():
    source = (
        "class A:\n    def load(self):\n        self.buffer.close()\n        self.ours = A().load"
    )
    theirs = "class Oled:\n    def ours(self):\n        pass"
    assert "ours" in House({"shop.a": source}, foreign=(theirs,)).text("shop.a")
    linked = House({"shop.a": source}).text("shop.a")
    assert "ours" not in linked
    assert ".close(" in linked and ".buffer" in linked and "def load" in linked


def test_a_function_that_follows_an_attribute_hides_no_builtin():
    names = [f"a{i}" for i in range(250)]
    body = "".join(f"        self.{name} = format(1, '')\n" for name in names)
    tops = "".join(f"\ndef {name}():\n    return format(1, '')\n" for name in names)
    source = f"class A:\n    def go(self):\n{body}{tops}"
    asked = "".join(f"    ask('shop.a', '{name}')\n" for name in names)
    other = f"def go(ask):\n{asked}"
    linked = House({"shop.a": source, "shop.b": other}).text("shop.a")
    functions = {node.name for node in ast.parse(linked).body if isinstance(node, ast.FunctionDef)}
    assert len(functions) == len(names) and not functions & set(dir(builtins))


ASKED = {
    "a module that is not there": ("ask('shop.kitchen', 'cook')", "no module shop.kitchen"),
    "a function that is not there": ("ask('shop.room', 'dance')", "shop.room has no dance"),
    "a constant": ("ask('shop.room', 'SIZE')", "shop.room has no SIZE"),
    "a module that stays": ("ask('shop.hall', 'greet')", "shop.hall stays in memory"),
    "a coroutine that is left lying": ("x = ask('shop.room', 'rest')", "awaited at once"),
    "one that is awaited for nothing": (
        "async def go():\n    await ask('shop.room', 'sweep')",
        "sweep of shop.room is not to be awaited",
    ),
    "an errand that is not there": (
        "class Desk:\n    def open(self, name):\n"
        "        return ask('shop.errands.' + name, 'run')\n"
        "async def go(desk):\n    await desk.open('sell')",
        "no module shop.errands.sell",
    ),
    "a module that is only named": ("x = 'shop.room'", "shop.room is named there"),
    "one that comes and goes, imported by what stays": (
        "from shop.room import sweep\nx = sweep",
        "stay in memory and import shop.room",
    ),
    "the same, in a function": (
        "def go():\n    from shop import room\n    room.sweep()\ngo()",
        "stay in memory and import shop.room",
    ),
}


@pytest.mark.parametrize(("source", "why"), ASKED.values(), ids=ASKED)
def test_what_can_not_be_had_so_fails_the_build(source, why):
    sources = {
        "shop.hall": f"from shop.rooms import ask\n{source}\ndef greet():\n    ask",
        "shop.rooms": "def ask(path, what):\n    pass",
        "shop.room": "SIZE = 3\ndef sweep():\n    pass\nasync def rest():\n    pass",
        "shop.errands.buy": "async def run():\n    pass",
    }
    with pytest.raises(Exposed, match=why):
        House(sources, units={"shop.hall": ("shop.rooms",)}, folders={"shop.errands.": "e_"})


def test_units_that_need_each_other_are_refused():
    sources = {
        "shop.a": "from shop.c import x\ny = x",
        "shop.b": "z = 1",
        "shop.c": "from shop.b import z\nx = z",
    }
    with pytest.raises(Exposed, match="import each other"):
        House(sources, units={"shop.a": ("shop.b",)})


@pytest.mark.parametrize(
    "source",
    [
        "from other import _name",
        "import _thread",
        "import other\nother._name()",
        "call(_name=1)",
        "class A:\n    def _name(self):\n        getattr(self, '_name')",
        "from shop.room import Base\nclass A(Base):\n    pass",
        "from shop import room\nclass A(room.Base):\n    pass",
        "from shop import room\nx = room",
        "if 1:\n    from shop import room",
        "from shop.room import Missing\nx = Missing",
        "from shop import room\nx = room.missing",
    ],
)
def test_a_name_that_could_be_met_from_outside_is_refused(source):
    with pytest.raises(Exposed, match=r"shop\.x"):
        House({"shop.x": source, "shop.room": "class Base:\n    pass"}).modules()
