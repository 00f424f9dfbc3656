"""Mounting a full journal, against the size of its ring, under MicroPython.

Run: python -m tools.bench.mount. Prints the reads, bytes, time and memory that a mount takes,
writes build/reports/mount.json and mount.png, and exits with 1 when a bar is missed. The time is
this machine's, not the chip's; what carries over is that it does not grow with the ring but for a
header's read of each sector.
"""

import sys

from rich.console import Console
from rich.table import Table

from tools.bench import plots
from tools.bench.inside import chip
from tools.bench.interpreter import Failed, run
from tools.bench.report import conclude
from tools.simulator.interpreter import NoInterpreter, other_memory

SECTOR = 2 * chip.SECTOR  # the journal's: two erase blocks
RINGS = (4, 8, 16, 32)

_HEADERS = 8  # read again: the base's, the oldest's, and those of a sector begun and cut off
_END_READS = 11  # to find where a sector's last record ends
KEPT_MOST = 1536  # bytes of memory that the largest state takes
MEMORY_MOST = 6656  # bytes in use while it is found: nothing but the start is in memory then
_RECORD_LEAST = 32  # bytes: a sector holds no more than SECTOR / 32 records, each read in two


def most_reads(sectors):
    """Return the reads that no mount of an undamaged ring of `sectors` goes beyond."""
    return sectors + _HEADERS + _END_READS + 2 * (SECTOR // _RECORD_LEAST)


def measure(rings=RINGS):
    """Mount full rings in MicroPython; return the report, without memory where that is not the
    chip's. Raises Failed, NoInterpreter.
    """
    *mounts, crowded = run("mount", *rings)
    for mount in (*mounts, crowded) if other_memory() else ():
        del mount["memory_most"], mount["memory_after"]
    return {"mounts": mounts, "largest_state": crowded}


def missed(found):
    """Return a line for every bar that the report `found` misses.

    Of the flash no more than the state's index, what is asked for often, and a record at a time
    are in memory.
    """
    lines = []
    for mount in (*found["mounts"], found["largest_state"]):
        if mount["reads"] > most_reads(mount["sectors"]):
            lines.append(f"{mount['reads']} reads for {mount['sectors']} sectors")
        if mount.get("memory_after", 0) > KEPT_MOST:
            lines.append(f"{mount['memory_after']} bytes of memory for the state")
        if mount.get("memory_most", 0) > MEMORY_MOST:
            lines.append(f"{mount['memory_most']} bytes of memory in use during a mount")
    return lines


def show(found, console):
    """Print the report as a table."""
    table = Table(title="mounting a full ring", title_justify="left")
    for words in ("sectors", "state, bytes", "reads", "at most", "bytes read", "ms here"):
        table.add_column(words, justify="right")
    for words in ("memory, most", "memory, after") if not other_memory() else ():
        table.add_column(words, justify="right")
    for mount in (*found["mounts"], found["largest_state"]):
        table.add_row(
            str(mount["sectors"]),
            f"{mount['state_bytes']:,}",
            str(mount["reads"]),
            str(most_reads(mount["sectors"])),
            f"{mount['read_bytes']:,}",
            f"{mount['ms']:.1f}",
            *(f"{mount[name]:,}" for name in ("memory_most", "memory_after") if name in mount),
        )
    console.print(table)
    if other_memory():
        console.print(other_memory())


def plot(found, path):
    """Draw reads, bytes and time against the size of the ring."""
    drawing, axes = plots.figure(1, 3, 10, 3.4)
    sectors = [mount["sectors"] for mount in found["mounts"]]
    ring_kib = [n * SECTOR / 1024 for n in sectors]
    columns = (
        ("reads of the flash", [mount["reads"] for mount in found["mounts"]], "{:.0f}"),
        ("KiB read", [mount["read_bytes"] / 1024 for mount in found["mounts"]], "{:.1f}"),
        ("milliseconds, on this machine", [mount["ms"] for mount in found["mounts"]], "{:.1f}"),
    )
    for axis, (words, values, form) in zip(axes, columns, strict=True):
        axis.plot(sectors, values, "o-", color=plots.OURS, label="measured")
        for at, value in zip(sectors, values, strict=True):
            axis.annotate(
                form.format(value),
                (at, value),
                xytext=(0, -14),
                textcoords="offset points",
                ha="center",
            )
        axis.set_xscale("log", base=2)
        axis.set_xticks(
            sectors, [f"{n}\n{k:.0f} KiB" for n, k in zip(sectors, ring_kib, strict=True)]
        )
        axis.set_xlim(sectors[0] / 1.4, sectors[-1] * 1.4)
        axis.set_ylim(0, max(values) * 1.5)
        axis.set_xlabel("sectors in the ring, all full")
        axis.set_title(words)
    axes[0].plot(
        sectors,
        [most_reads(n) for n in sectors],
        "--",
        color=plots.BAR,
        linewidth=1,
        label="at most, by arithmetic",
    )
    axes[0].set_ylim(0, most_reads(sectors[-1]) * 1.5)
    axes[0].legend(frameon=False, loc="upper left")
    plots.save(drawing, path)


def main():
    """Measure, print, write the report and the plot; return the exit status."""
    console = Console()
    try:
        with console.status("filling rings and mounting them"):
            found = measure()
    except (Failed, NoInterpreter) as trouble:
        console.print(str(trouble), style="red", markup=False)
        return 1
    return conclude("mount", found, plot, show, missed, console)


if __name__ == "__main__":
    sys.exit(main())
