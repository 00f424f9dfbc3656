"""The frame drawn on the codec's page decodes to the table beneath it."""

import re
from array import array

from firmware.message import codec, framing
from host_tests.conftest import ROOT


def test_the_drawn_frame_is_what_the_codec_makes_of_it():
    text = (ROOT / "docs" / "codec.md").read_text("utf-8")
    drawing = text.split("```")[1]
    rows = re.findall(r"^ +\d+ +((?:[0-9A-F]{2} +)+[0-9A-F]{2})$", drawing, re.MULTILINE)
    frame = bytes.fromhex("".join(rows))
    assert framing.verdict(frame, 0, len(frame)) == len(frame)
    table = array("H", [0] * codec.TABLE_LEN)
    assert codec.decode(frame, codec.BODY, len(frame), table) == 0
    told = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) (?:digits|bytes) \|", text, re.MULTILINE)
    found = [(de, table[2 * de], table[2 * de + 1]) for de in range(129) if table[2 * de]]
    assert [tuple(map(int, row)) for row in told] == found
    assert f"decode(buf, {codec.BODY}, {len(frame)}, table)" in text
    for _, place, size in found:
        assert f"{place} {size} " in drawing or f"{place} {size}\n" in drawing
