"""Short names change what a module weighs, never what it does; what may be seen outside stays."""

import pytest

from tools.build.shorten import Exposed, names, shorten

MODULE = '''"""About _total."""
_LIMIT = const(3)
_table = [1, 2]


class Sum:
    def __init__(self, first):
        self._total = first
        self.total = first

    def _add(self, n):
        self._total += n

    def add(self, n):
        self._add(n), self._add(_LIMIT)
        return self._total
'''


def test_private_names_are_short_and_the_module_does_the_same():
    short = shorten(MODULE, "sum.py")
    assert "self._total" not in short
    assert '"""About _total."""' in short
    assert short.count("\n") == MODULE.count("\n")
    found = {"const": int}
    exec(short, found)  # noqa: S102 (the point of the test)
    total = found["Sum"](1)
    assert total.add(5) == 9
    assert total.total == 1


def test_all_modules_share_the_same_names_and_constants_come_last():
    short = names(MODULE, "sum.py")
    assert sorted(short.values()) == ["_0", "_1", "_2", "_3"]
    assert short["_LIMIT"] == "_3"


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
    with pytest.raises(Exposed, match="x.py:"):
        shorten(source, "x.py", ("house",))
