"""What is shortened weighs less and does the same; what may be seen from outside stays."""

import ast
import sys
import types

import pytest

from tools.build import device
from tools.build.shorten import Exposed, House

LIMITS = """
LIMIT = const(3)
SHARED = const(LIMIT + 1)
_OWN = const(9)
kept = 5
"""

SUM = '''"""About _total."""
from house import limits
from house.limits import (
    LIMIT,  # put in
    SHARED as MOST,
    kept,
)

_table = [1, 2]


def _total(numbers, start=0):
    for number in numbers:
        start += number
    return start


class Sum:
    default = _table

    def __init__(self, first, step=1):
        self._total = first
        self._host = step
        self._x = self._y = None
        self.total = _total([first, LIMIT])

    def _add(self, n):
        self._total += n * self._host

    def add(self, n, ):
        self._add(n), self._add(-MOST + limits.LIMIT + kept)
        return self._total
'''


def run(sources, name):
    """Run the modules of a house in the order given; return what is in the module `name`."""
    rooms = {"house": types.ModuleType("house")}
    for module, text in sources.items():
        rooms[module] = types.ModuleType(module)
        rooms[module].const = int
        setattr(rooms["house"], module.split(".")[1], rooms[module])
        before = dict(sys.modules)
        sys.modules.update(rooms)
        try:
            exec(text, rooms[module].__dict__)  # noqa: S102 (the point of the test)
        finally:
            sys.modules.clear()
            sys.modules.update(before)
    return rooms[name]


def test_a_shortened_house_does_the_same():
    plain = {"house.limits": LIMITS, "house.sum": SUM}
    house = House(plain, ("from house.sum import Sum\nSum(1, step=2)",))
    brief = {name: house.shorten(name) for name in plain}
    for sources in (plain, brief):
        found = run(sources, "house.sum").Sum(1, step=2)
        assert (found.total, found.default) == (4, [1, 2])
        assert found.add(5) == 1 + 2 * (5 - 4 + 3 + 5)
    for word in ("self", "_host", "LIMIT", "SHARED", "MOST", "numbers"):
        assert word not in brief["house.sum"]
    assert "LIMIT" not in brief["house.limits"]
    assert "kept" in brief["house.limits"]
    assert '"""About _total."""' in brief["house.sum"]
    assert brief["house.sum"].count("\n") == SUM.count("\n")


def test_no_two_names_of_a_kind_become_one():
    house = device.house()
    for module, tree in house.trees.items():
        short = house.names(module)
        nodes = list(ast.walk(tree))
        bare = {node.id for node in nodes if isinstance(node, ast.Name)}
        bare |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        parameters = house.parameters(module)
        for kind in (bare, attributes - parameters):
            assert len({short.get(name, name) for name in kind}) == len(kind), module


def test_a_constant_spoken_of_otherwise_stays():
    sources = {"house.a": "LIMIT = const(3)", "house.b": "from house import a\nf = a\nx = f.LIMIT"}
    assert House(sources).shorten("house.a") == "LIMIT = const(3)"


def test_a_module_is_not_imported_for_its_constants_alone():
    sources = {
        "house.a": "LIMIT = const(3)\nkept = 5",
        "house.b": "from house import a\nfrom house import (\n  a as c,\n)\nx = a.LIMIT, c.LIMIT",
        "house.c": "from house import a\nx = a.LIMIT + a.kept",
    }
    house = House(sources)
    assert house.shorten("house.b") == "pass\npass\n\n\nx = 3, 3"
    assert house.shorten("house.c") == "from house import a\nx = 3 + a.kept"


def test_what_nobody_speaks_of_is_left_out():
    source = "def used():\n    pass\n\n\n@wrap\ndef unused(a):\n    used(a)\n\n\nused()\n"
    brief = House({"a": source}).shorten("a")
    assert "unused" not in brief
    assert brief.count("\n") == source.count("\n")
    assert brief.startswith("def used") and brief.endswith("used()\n")


def test_an_open_house_keeps_parameters_and_public_constants():
    source = "LIMIT = const(3)\ndef f(value, _x=LIMIT):\n    return value, _x"
    brief = House({"a": source}, closed=False).shorten("a")
    assert brief == "LIMIT = const(3)\ndef f(value, _0=LIMIT):\n    return value, _0"


@pytest.mark.parametrize(
    "source",
    [
        "from other import _name",
        "import _thread",
        "import other\nother._name()",
        "call(_name=1)",
        "class A:\n    def _name(self):\n        getattr(self, '_name')",
        "def f(a):\n    return f'{a}'",
        "from house.room import Base\nclass A(Base):\n    pass",
        "import house.room\nclass A(house.room.Base):\n    pass",
    ],
)
def test_a_name_that_could_be_met_from_outside_is_refused(source):
    with pytest.raises(Exposed, match="house.x:"):
        House({"house.x": source}).shorten("house.x")
