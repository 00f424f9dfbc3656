"""How a measurement ends: figures in a file, a plot, a table, and what was missed said aloud."""

import json

from tools.bench.interpreter import REPORTS


def conclude(name, found, plot, show, missed, console):
    """Write build/reports/NAME.json and NAME.png, show the table; return the exit status.

    found: the figures. plot(found, path), show(found, console), missed(found) -> lines about bars
    that were not met, which make the status 1.
    """
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    plot(found, REPORTS / f"{name}.png")
    show(found, console)
    bars = missed(found)
    for line in bars:
        console.print(f"missed: {line}", style="red")
    return 1 if bars else 0
