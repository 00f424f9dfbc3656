"""Every pair of DE 39 and DF40 means what the wire profile says, and nothing else settles."""

import itertools
import json
from pathlib import Path

from firmware.acquirer import answers
from firmware.binding import change

TEXTS = Path(__file__).resolve().parents[2] / "firmware" / "text"
KNOWN = "00 03 09 14 22 30 40 54 55 58 61 63 68 91 92 96 97 A0"
CODES = [*KNOWN.split(), "77"]
REFUSALS = ["14", "22", "54", "55", "58", "61", "63"]
STUCK = ["30", "40", "58", "97", "03"]


def expected(code, status):
    if (code, status) == ("00", 1):
        return change.ACTIVE
    if (code, status) == ("09", 2):
        return change.REVIEWING
    if code in REFUSALS and status == 3:
        return change.REJECTED
    if (code, status) == ("00", 4):
        return change.NO_SUCH
    return change.STUCK if code in STUCK and status == 0 else change.UNSETTLED


def test_only_the_pairs_of_the_profile_settle():
    for code, status in itertools.product(CODES, range(8)):
        assert answers.event(code.encode(), status) == expected(code, status), (code, status)


def test_codes_have_words_in_both_languages():
    for language in ("zh", "en"):
        words = json.loads((TEXTS / f"{language}.json").read_text("utf-8"))
        for code in (*KNOWN.split(), "other"):
            assert words["answer." + code]
            assert "advice." + code in words


def test_a_reason_names_its_field():
    assert answers.split_reason("DF31 wrong number") == (0xDF31, "wrong number")
    assert answers.split_reason("no such form") == (0, "no such form")
