"""Flash wear: the same updates through the journal and through littlefs, under MicroPython.

Run: python -m tools.bench.wear [--quick]. An update is a binding that becomes true together with
its audit record, the one before staying as the backup, with a log-in record and two trace numbers
before it (`inside/shop.py`). Prints what both cost, writes build/reports/wear.json and wear.png,
and exits with 1 when a bar is missed.

Years of life = cycles * sectors / (erases per change * max/mean * changes a day * 365): the flash
is at its end when its most erased sector is.
"""

import argparse
import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tools.bench import plots
from tools.bench.interpreter import Failed, run
from tools.bench.report import conclude
from tools.simulator.interpreter import NoInterpreter

UPDATES = 10_000
SECTORS = 64  # erase blocks of 4 KiB, which littlefs and the chip call sectors
QUICK_UPDATES = 500
QUICK_SECTORS = 4  # so that the ring is gone round several times in the quick form too

ERASES_MOST = 0.05  # per update
UNEVEN_MOST = 1.2  # erases of the most erased sector over the mean
FEWER_LEAST = 20  # times, than littlefs that does nothing but rewrite the same state

CYCLES = 100_000
CHANGES_A_DAY = 100

_NAMES = {"ours": "journal", "littlefs": "littlefs"}


def years(sectors, erases_per_change, max_over_mean):
    """Return the years until the most erased sector has seen CYCLES erases."""
    a_year = erases_per_change * max_over_mean * CHANGES_A_DAY * 365
    return CYCLES * sectors / a_year


def summary(facts):
    """Return the figures of one store from what was counted in it."""
    erases, updates = facts["erases"], facts["updates"]
    total = sum(erases)
    per_update = total / updates
    max_over_mean = max(erases) * len(erases) / total
    return {
        "erases_per_update": per_update,
        "max_over_mean": max_over_mean,
        "bytes_per_update": facts["programmed_bytes"] / updates,
        "erases_max": max(erases),
        "erases_mean": total / len(erases),
        "years": years(len(erases), per_update, max_over_mean),
        "erases": erases,
    }


def report(results):
    """Return the whole report from the results of both stores and of whole changes."""
    ours, littlefs = summary(results["ours"]), summary(results["littlefs"])
    ours["audit_kept"] = results["ours"]["audit_kept"]
    ours["state_bytes"] = results["ours"]["state_bytes"]
    updates = results["ours"]["updates"]
    littlefs["erases_per_update_of"] = {
        part: erases / updates for part, erases in results["littlefs"]["parts"].items()
    }
    state_file = littlefs["erases_per_update_of"]["state"]
    whole = results["whole_change"]
    per_change = sum(whole["erases"]) / whole["changes"]
    return {
        "updates": updates,
        "sectors": len(ours["erases"]),
        "ours": ours,
        "littlefs": littlefs,
        "times_fewer_erases": littlefs["erases_per_update"] / ours["erases_per_update"],
        "times_fewer_than_state_file": state_file / ours["erases_per_update"],
        "whole_change": {
            "erases_per_change": per_change,
            "bytes_per_change": whole["programmed_bytes"] / whole["changes"],
            "state_bytes": whole["state_bytes"],
            "erases_per_update": whole["erases_of_updates"] / whole["changes"],
            "years": years(len(whole["erases"]), per_change, ours["max_over_mean"]),
        },
    }


def missed(found):
    """Return a line for every bar that the report `found` misses."""
    ours = found["ours"]
    bars = (
        (ours["erases_per_update"] <= ERASES_MOST, f"more than {ERASES_MOST} erases per update"),
        (ours["max_over_mean"] <= UNEVEN_MOST, f"max/mean above {UNEVEN_MOST}"),
        (
            found["times_fewer_than_state_file"] >= FEWER_LEAST,
            f"not {FEWER_LEAST} times fewer erases than littlefs rewriting the state",
        ),
    )
    return [line for held, line in bars if not held]


def measure(updates, sectors, progressed=lambda store, done: None):
    """Run the updates in MicroPython and return the report.

    progressed: called with the store's name and the updates done. Raises Failed, NoInterpreter.
    """
    results = {}
    for said in run("wear", updates, sectors, updates // 5):
        if "result" in said:
            results[said["result"]] = said["facts"]
        else:
            progressed(said["store"], said["updates"])
    return report(results)


def show(found, console):
    """Print the report as a table."""
    title = f"{found['updates']:,} updates, the journal on {found['sectors']} blocks of 4 KiB"
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in _NAMES.values():
        table.add_column(name, justify="right")
    stores = found["ours"], found["littlefs"]
    rows = (
        ("erases per update", "erases_per_update", ".4f"),
        ("bytes programmed per update", "bytes_per_update", ",.0f"),
        ("erases of a block, most", "erases_max", ",d"),
        ("erases of a block, mean", "erases_mean", ",.1f"),
        ("max/mean", "max_over_mean", ".3f"),
        (f"years at {CHANGES_A_DAY} a day, {CYCLES:,} cycles", "years", ",.0f"),
    )
    for words, key, form in rows:
        table.add_row(words, *(format(store[key], form) for store in stores))
    console.print(table)
    parts = found["littlefs"]["erases_per_update_of"]
    whole = found["whole_change"]
    console.print(
        f"{found['times_fewer_erases']:.0f} times fewer erases than littlefs "
        f"(its erases per update: {', '.join(f'{k} {v:.3f}' for k, v in parts.items())}), "
        f"{found['times_fewer_than_state_file']:.0f} times fewer than its state file alone\n"
        f"audit records kept: {found['ours']['audit_kept']}\n"
        "a whole change as the terminal makes it (two log-ins, stored, sent, committed): "
        f"{whole['erases_per_change']:.3f} erases, {whole['bytes_per_change']:.0f} bytes, "
        f"{whole['years']:,.0f} years\n"
        f"an update beside the change records that are kept then ({whole['state_bytes']} bytes of "
        f"state instead of {found['ours']['state_bytes']}): "
        f"{whole['erases_per_update']:.3f} erases",
        highlight=False,
        soft_wrap=True,
    )


def plot(found, path):
    """Draw the erases of each sector and the erases per update."""
    drawing, axes = plots.figure(1, 2, 10, 4.2, width_ratios=(3, 2))
    _plot_sectors(axes[0], found)
    _plot_updates(axes[1], found)
    plots.save(drawing, path)


def _plot_sectors(axis, found):
    colors = {"littlefs": plots.OTHER, "ours": plots.OURS}
    for name, color in colors.items():
        store = found[name]
        label = (
            f"{_NAMES[name]}: mean {store['erases_mean']:,.1f}, most {store['erases_max']:,}, "
            f"max/mean {store['max_over_mean']:.2f}"
        )
        axis.bar(range(len(store["erases"])), store["erases"], 0.85, color=color, label=label)
    axis.set_yscale("log")
    axis.set_ylim(1, found["littlefs"]["erases_max"] * 5)
    axis.yaxis.set_major_formatter("{x:,.0f}")
    axis.set_xlabel("erase block of 4 KiB")
    axis.set_ylabel("erases (logarithmic)")
    axis.set_title(f"Erases of each block in {found['updates']:,} updates")
    axis.legend(frameon=False, loc="upper left")


def _plot_updates(axis, found):
    ours = found["ours"]["erases_per_update"]
    axis.bar("journal", ours, 0.6, color=plots.OURS)
    axis.annotate(
        f"{ours:.3f}\n(limit {ERASES_MOST})",
        (0, ours),
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
    )
    bottom = 0
    for part, color in (
        ("state", plots.OTHER),
        ("audit", plots.OTHER_PALE),
        ("counter", plots.INK),
    ):
        erases = found["littlefs"]["erases_per_update_of"][part]
        axis.bar("littlefs", erases, 0.6, bottom, color=color, label=f"{part} {erases:.3f}")
        bottom += erases
    axis.annotate(
        f"{bottom:.2f}", (1, bottom), xytext=(0, 4), textcoords="offset points", ha="center"
    )
    axis.set_ylim(0, bottom * 1.15)
    axis.set_ylabel("erases per update")
    axis.set_title(f"{found['times_fewer_erases']:.0f} times fewer erases")
    axis.legend(
        title="littlefs, by file", frameon=False, loc="center left", reverse=True, alignment="left"
    )


def main(words=None):
    """Measure, print, write the report and the plot; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.wear", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_UPDATES} updates only")
    quick = parser.parse_args(words).quick
    updates, sectors = (QUICK_UPDATES, QUICK_SECTORS) if quick else (UPDATES, SECTORS)
    console = Console()
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        tasks = {store: progress.add_task(words, total=updates) for store, words in _NAMES.items()}
        try:
            found = measure(
                updates,
                sectors,
                lambda store, done: progress.update(tasks[store], completed=done),
            )
        except (Failed, NoInterpreter) as trouble:
            console.print(str(trouble), style="red", markup=False)
            return 1
        for task in tasks.values():
            progress.update(task, completed=updates)
    return conclude("wear", found, plot, show, missed, console)


if __name__ == "__main__":
    sys.exit(main())
