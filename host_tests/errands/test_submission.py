"""What the merchant is told of an answer: every field that can be at fault has words."""

import re
from pathlib import Path

import pytest

from firmware.binding.change import Outcome
from firmware.errands import outcome as errand
from firmware.ui.text import Text
from host_tests.ui.stage import assets

PROTOCOL = Path(__file__).resolve().parents[2] / "docs" / "protocol.md"
TAGS = sorted({int(tag, 16) for tag in re.findall(r"\bDF[0-9A-F]{2}\b", PROTOCOL.read_text())})


class Desk:
    """The words of one language."""

    def __init__(self, language):
        self.text = Text(assets() / f"{language}.bin")

    def answer(self, code):
        return code.decode()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_refusal_names_the_field_whatever_it_is(language):
    assert {0xDF12, 0xDF15, 0xDF20, 0xDF31} <= set(TAGS)
    desk = Desk(language)
    other = desk.text("field.other")
    for tag in TAGS:
        outcome = Outcome()
        outcome.code, outcome.status, outcome.fault_tag = b"22", 3, tag
        words = errand.explained(desk, outcome)
        assert desk.text("result.field") in words
        assert (other in words) == (tag not in range(0xDF30, 0xDF38) and tag != 0xDF3A), hex(tag)
