"""Rows of (label, value) as lines of the panel, for the pages that show what was entered.

What always holds: a label begins at the left edge, and no line of a value that has its own does,
when there is an `indent`; a value is words, or a number as a buffer, which is shown in fours and
of which no copy stays once `forget` was called. May import crypto.wipe, ui.blanks, ui.canvas.
"""

from micropython import const

from firmware.crypto.wipe import wipe
from firmware.ui import canvas as paint
from firmware.ui.blanks import shown

_GROUP = const(8)  # longer numbers are shown in groups


def lay(pages, rows, lines, indent):
    """Append (row, words as bytes, start, end, x) to `lines` for each line of `rows`."""
    canvas = pages.canvas
    ends = []
    for index in range(len(rows)):
        label, value = rows[index]
        label = pages.text(label).encode()
        if isinstance(value, str):
            value = shown(value)
            line = label + b" " + value
        else:
            value = _grouped(value)
            line = bytearray(len(label) + 1 + len(value))
            line[: len(label) + 1] = label + b" "
            line[len(label) + 1 :] = value
        fits = canvas.width(line) <= paint.TEXT_WIDTH
        if not isinstance(rows[index][1], str):
            wipe(value if fits else line)  # the one that is not shown
        if fits:
            lines.append((index, line, 0, len(line), 0))
            continue
        lines.append((index, bytearray(label), 0, len(label), 0))
        data = canvas.wrap(value, ends, paint.TEXT_WIDTH - indent)
        start = 0
        for end in ends:
            lines.append((index, data, start, end, indent))
            start = end


def forget(rows, lines):
    """Overwrite what the lines hold of numbers."""
    for index, data, _, _, _ in lines:
        if index < len(rows) and not isinstance(rows[index][1], str):
            wipe(data)


def _grouped(digits):
    # A copy in groups of four when there are many, in one piece, so that it can be overwritten.
    n = len(digits)
    copy = bytearray(n + (n - 1) // 4 if n > _GROUP else n)
    at = 0
    for i in range(n):
        if i and n > _GROUP and not i % 4:
            copy[at] = 0x20
            at += 1
        copy[at] = digits[i]
        at += 1
    return copy
