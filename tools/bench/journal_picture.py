"""Draws docs/pictures/journal.png (the layout) and journal_cut.png (a cut that is survived).

Run: python -m tools.bench.journal_picture. What is drawn is the flash itself, as it was after each
step of `inside/picture.py` under MicroPython: a cell is 16 bytes, coloured by what the firmware's
reader takes it for.
"""

import sys

from matplotlib.colors import to_rgb
from matplotlib.patches import Patch, Rectangle

from tools.bench import plots
from tools.bench.inside import chip
from tools.bench.interpreter import Failed, run
from tools.simulator.interpreter import REPOSITORY, NoInterpreter

PICTURES = REPOSITORY / "docs" / "pictures"

SECTOR = 2 * chip.SECTOR  # the journal's: two erase blocks
_CELL = 16  # bytes: what every record is a multiple of
_SIDE = 16  # cells in a row
_ROWS = SECTOR // _CELL // _SIDE
_MARGIN = 3  # cells between two sectors

COLORS = {
    "header": "#2b2b2b",
    "state": "#1f6f8b",
    "binding": "#7fb069",
    "other": "#bddcae",
    "torn": "#c8312b",
}
BLANK = "#f0f0f0"
_LINE = "#999999"
_WORDS = {
    "header": "header",
    "state": "whole state",
    "binding": "binding",
    "other": "log-in, trace numbers",
    "torn": "torn: skipped",
}


def cells(parts):
    """Return a sector as rows of 16 colours from its parts (start, end, kind)."""
    flat = [to_rgb(BLANK)] * (SECTOR // _CELL)
    for start, end, kind in parts:
        flat[start // _CELL : end // _CELL] = [to_rgb(COLORS[kind])] * ((end - start) // _CELL)
    return [flat[row * _SIDE : (row + 1) * _SIDE] for row in range(_ROWS)]


def _draw_sectors(axis, sectors):
    for index, parts in enumerate(sectors):
        left = index * (_SIDE + _MARGIN)
        axis.imshow(cells(parts), extent=(left, left + _SIDE, _ROWS, 0), interpolation="nearest")
        axis.add_patch(Rectangle((left, 0), _SIDE, _ROWS, fill=False, color=_LINE, lw=0.8))
    axis.set_xlim(-1, len(sectors) * (_SIDE + _MARGIN) - _MARGIN + 1)
    axis.set_ylim(_ROWS + 3, -1)
    axis.set_axis_off()


def _below(axis, index, words, color=plots.INK):
    at = index * (_SIDE + _MARGIN) + _SIDE / 2
    axis.text(at, _ROWS + 0.6, words, ha="center", va="top", fontsize=8, color=color)


def _legend(drawing, kinds):
    handles = [Patch(color=COLORS[kind], label=_WORDS[kind]) for kind in kinds]
    handles.append(Patch(facecolor=BLANK, edgecolor=_LINE, label="blank (FF)"))
    drawing.legend(
        handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=8
    )


def cut(stages, new):
    """Return the figure of the stages, one below the other."""
    old = stages["before"]["binding"]
    captions = {
        "before": (
            "1  Before",
            "Sector 1 is the head. Sector 2 is the\noldest: its turn comes next.",
        ),
        "cut": (
            "2  A torn record",
            "Power fails while a new binding is stored:\n"
            f"{stages['cut']['programmed_bytes']} bytes of its record are on the flash.",
        ),
        "mount": (
            "3  The next start only reads",
            "Each header, then the newest whole\nsector. What is torn is skipped.",
        ),
        "cut again": (
            "4  Stored again, cut again",
            "Nothing is written behind what is torn: the\n"
            "next sector is begun. Power fails meanwhile.",
        ),
        "after": (
            "5  Stored",
            "The sector is begun anew: the whole state,\n"
            "then the binding, read back and now true.",
        ),
    }
    drawing, axes = plots.figure(
        len(captions), 2, 8.2, 8.6, width_ratios=(1, 1.75), gridspec_kw={"hspace": 0}
    )
    for (stage, (title, words)), (left, right) in zip(captions.items(), axes, strict=True):
        facts = stages[stage]
        left.set_axis_off()
        left.text(0, 0.92, title, va="top", fontsize=9.5, weight="bold")
        left.text(0, 0.76, words, va="top", fontsize=9, linespacing=1.4)
        true = "the old" if facts["binding"] == old else "the new"
        left.text(
            0,
            0.36,
            f"a start finds {true} binding\n{facts['binding']}",
            va="top",
            fontsize=9,
            linespacing=1.4,
            color=plots.OURS if facts["binding"] == new else plots.OTHER,
        )
        _draw_sectors(right, facts["sectors"])
        for index in range(len(facts["sectors"])):
            if stage == "mount":
                reads = facts["reads"][index]
                _below(right, index, "1 read" if reads == 1 else f"{reads} reads")
            elif facts["erases"][index]:
                _below(right, index, "erased, begun", plots.BAR)
            elif stage == "before":
                _below(right, index, f"sector {index}")
    _legend(drawing, COLORS)
    return drawing


def layout(stage, image):
    """Return the figure of a ring, and of what a header and a record are made of."""
    drawing, (above, below) = plots.figure(2, 1, 8.2, 5.2, height_ratios=(1, 1))
    sectors = stage["sectors"]
    _draw_sectors(above, sectors)
    by_age = sorted(range(len(sectors)), key=lambda sector: _number(image, sector, 4))
    for index, sector in enumerate(by_age):
        age = {0: "the oldest: erased next", len(by_age) - 1: "the head"}.get(index, "")
        _below(above, sector, f"sector {sector}, order {_number(image, sector, 4)}\n{age}")
    head = by_age[-1]
    record = [part for part in sectors[head] if part[2] == "binding"][-1]
    _draw_anatomy(below, image[head * SECTOR :], record, stage["binding"])
    _legend(drawing, ("header", "state", "binding", "other"))
    return drawing


def _number(image, sector, off):
    return int.from_bytes(image[sector * SECTOR + off : sector * SECTOR + off + 4], "big")


def _draw_anatomy(axis, sector, record, binding):
    start, end, _ = record
    header = (
        ("RBJ, layout", 0, 4),
        ("order", 4, 8),
        ("sequence", 8, 12),
        ("audit number", 12, 16),
        ("audit chain", 16, 24),
        ("CMAC", 24, 32),
    )
    head = (
        ("length", start, start + 2),
        ("schema", start + 2, start + 3),
        ("flags", start + 3, start + 4),
        ("sequence", start + 4, start + 8),
        (f"items, sealed: {end - start - 16} bytes", start + 8, end - 8),
        ("CMAC", end - 8, end),
    )
    _strip(axis, 0, "header of a sector, 32 bytes", header, (6, 6, 6, 6, 11, 11), sector, "header")
    title = f"the record at byte {start}, {end - start} bytes: a binding and its audit entry"
    _strip(axis, 5, title, head, (5, 5, 5, 6, 14, 11), sector, "binding")
    items = (
        ("audit entry", f"time, event, operator, outcome,\nslot 1, {binding}"),
        ("the slot's other place", "the binding: DF30 name, DF31 number,\nDF32, DF34, DF35"),
        ("the slot's current place", "changed over: what was\ncurrent is the backup"),
    )
    left = 0
    for (title, words), width in zip(items, (14.5, 17.5, 14), strict=True):
        axis.add_patch(Rectangle((left, 10), width, 2.6, fc="white", ec=_LINE, lw=0.8))
        axis.text(left + 0.4, 10.3, title, va="top", fontsize=8, weight="bold")
        axis.text(left + 0.4, 11.1, words, va="top", fontsize=7.5)
        left += width
    axis.plot((21, 0), (8.6, 10), (35, 46), (8.6, 10), color=_LINE, lw=0.8)
    axis.set_xlim(-0.5, 46.5)
    axis.set_ylim(13, -0.5)
    axis.set_axis_off()


def _strip(axis, top, title, fields, widths, sector, kind):
    axis.text(0, top, title, va="top", fontsize=8.5, weight="bold")
    left = 0
    for (name, start, end), width in zip(fields, widths, strict=True):
        tint = [1 - (1 - part) * 0.25 for part in to_rgb(COLORS[kind])]
        axis.add_patch(Rectangle((left, top + 1.1), width, 2.4, fc=tint, ec=_LINE, lw=0.8))
        middle = left + width / 2
        axis.text(middle, top + 1.85, name, ha="center", va="center", fontsize=8)
        shown = sector[start : min(end, start + 8)].hex(" ", 2) + ("…" if end > start + 8 else "")
        axis.text(
            middle, top + 2.85, shown, ha="center", va="center", fontsize=6.5, family="monospace"
        )
        left += width


def main():
    """Draw both pictures; return the exit status."""
    try:
        *said, last = run("picture")
    except (Failed, NoInterpreter) as trouble:
        print(trouble, file=sys.stderr)
        return 1
    stages = {facts["stage"]: facts for facts in said}
    plots.save(layout(stages["before"], bytes.fromhex(last["image"])), PICTURES / "journal.png")
    plots.save(cut(stages, last["new"]), PICTURES / "journal_cut.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
