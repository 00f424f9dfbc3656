"""A short run among the acquirer's lies, the same each time; `make fuzz` lives many more."""

import pytest

from host_tests.crash import scenarios
from host_tests.crash.bodies import CPython, MicroPython
from host_tests.fuzz import acquirer
from host_tests.fuzz.__main__ import lives


def test_no_word_of_the_acquirers_ends_anything_but_its_conversation():
    lives(CPython, 8583, 5)


def test_nor_does_it_on_the_device_s_interpreter(record_property):
    record_property("interpreter", "micropython")
    lives(MicroPython, 8584, 2)


def test_a_life_names_the_lies_that_end_it(monkeypatch):
    monkeypatch.setattr(acquirer, "in_table", lambda tlvs: False)
    with pytest.raises(acquirer.Trouble, match=r"taken over: .* after \[\['0810', "):
        acquirer.play(1, CPython(), "records wanted")


@pytest.mark.parametrize(
    "spoilt",
    [
        b"",
        scenarios.NEW + bytes.fromhex("DF3A0131"),  # not of a binding
        bytes.fromhex("DF310831323334353637") + scenarios.NEW,  # twice, and malformed
        scenarios.NEW.replace(b"6222020200112233445", b"\xff" * 19),
        scenarios.NEW.replace(bytes.fromhex("DF340101"), bytes.fromhex("DF340103")),
    ],
)
def test_what_is_no_binding_is_known_as_none(spoilt):
    assert acquirer.in_table(scenarios.NEW)
    assert not acquirer.in_table(spoilt)
