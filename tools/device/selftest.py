"""Tests a board part by part, on the board itself, and keeps a report.

What always holds: nothing that a terminal has stored is changed; what needs a person is skipped
when there is none; one broken part does not keep the others from being tested; the terminal starts
again whatever happens. Imports nothing of the house but the line to the board.
"""

import argparse
import datetime
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.device import checks
from tools.device.link import DeviceError, Link, Refused
from tools.device.stopped import hold, stopped

ROOT = Path(__file__).resolve().parents[2]
REPORTS = ROOT / "build" / "reports"

_INSIDE = Path(__file__).with_name("inside") / "selftest.py"
_HANDSHAKE = _INSIDE.with_name("handshake.py")
_WALK_S = 90
_SWIPE_S = 30
_LIMIT_S = 120

# name, the call on the board, what a person has to do for it
_CHECKS = (
    ("journal", "journal", None),
    ("nvs", "nvs", None),
    ("vectors", "vectors", None),
    ("keypad", "keypad", None),
    ("keys", f"walk, {_WALK_S}", f"press each of the 16 keys, within {_WALK_S} s"),
    ("display", "display", None),
    ("card reader", f"swipe, {_SWIPE_S}", f"swipe any card, within {_SWIPE_S} s"),
    ("wifi", "wifi", None),
    ("errands", "errands", None),
    ("hot functions", "hot", None),
)


def selftest(port: str, ask: Callable[[str], bool] | None, reports: Path) -> bool:
    """Test the board on `port`; write a report to the folder `reports`; return whether all is
    well.

    `ask` shows words to a person and returns what they answer; None skips what needs one.
    Raises `DeviceError` when the board cannot be tested at all.
    """
    with stopped(port) as link:
        facts = checks.examine(link)
        say(str(facts))
        checks.check_files(link)
        link.close()
        done = _test(port, facts, ask)
    report = {
        "machine": facts.machine,
        "micropython": ".".join(map(str, facts.version)),
        "flash": facts.flash,
        **done[0]["measured"],
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "passed": not any(check["verdict"] == "failed" for check in done),
        "checks": done,
    }
    _keep(report, reports)
    return report["passed"]


def _test(port: str, facts: checks.Facts, ask: Callable[[str], bool] | None) -> list[dict]:
    """Return every check; the first says what board it is."""
    with Link(port) as link:  # in a memory that holds nothing else
        hold(link)
        found = _asked_of(link.ask, _HANDSHAKE)
    with Link(port) as link:
        hold(link)
        _asked_of(link.run, _INSIDE)
        usual = "esp32-s3-devkitc" if "S3" in facts.machine else "esp32-devkitc"
        done = [_check(link, "parts", f"start, {usual!r}", None, ask)]
        if "board" not in done[0]["measured"]:
            raise DeviceError(f"the board cannot be built: {done[0]['measured']['fault']}")
        for name in ("memory", "connection"):
            done.append(_found(name, *found[name]))
        for name, call, order in _CHECKS:
            hold(link)
            done.append(_check(link, name, call, order, ask))
            if name == "display" and done[-1]["verdict"] == "ok" and ask:
                done[-1]["seen"] = ask("does the display show a frame full of upright stripes?")
                done[-1]["verdict"] = "ok" if done[-1]["seen"] else "failed"
    return done


def _asked_of(way: Callable, path: Path) -> Any:
    try:
        return way(path.read_text(encoding="utf-8"), limit_s=_LIMIT_S)
    except Refused as refusal:
        if "ImportError" in refusal.fault:
            raise DeviceError("no terminal is on this board yet: run `make flash`") from None
        raise


def say(text: str) -> None:
    """Print one line of progress."""
    print(f"selftest: {text}", flush=True)


def _check(
    link: Link, name: str, call: str, order: str | None, ask: Callable[[str], bool] | None
) -> dict:
    if order and not ask:
        return _found(name, "skipped", {})
    if order:
        say(order)
    return _found(name, *link.ask(f"told({call})", limit_s=_LIMIT_S))


def _found(name: str, verdict: str, measured: dict) -> dict:
    found = {"name": name, "verdict": verdict, "measured": measured}
    say(_line(found))
    return found


def _line(check: dict) -> str:
    return f"{check['verdict']:8}{check['name']:15}{_words(check['measured'])}".rstrip()


def _words(measured: dict) -> str:
    return ", ".join(
        f"{name} {value}"
        for name, value in sorted(measured.items())
        if not isinstance(value, dict) and value not in (None, [])
    )


def _lines(check: dict) -> list[str]:
    """Return a check as the report shows it, what was measured of several things below it."""
    lines = [_line(check)]
    for _, things in sorted(check["measured"].items()):
        if isinstance(things, dict):
            for name, values in sorted(things.items()):
                values = values if isinstance(values, list) else [values]
                lines.append(f"{'':12}{name:20}" + "".join(f"{value:>10}" for value in values))
    return lines


def _keep(report: dict, reports: Path) -> None:
    reports.mkdir(parents=True, exist_ok=True)
    path = reports / f"selftest-{report['terminal'] or report['unique_id']}"
    path.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    lines = [
        f"{report['machine']}, MicroPython {report['micropython']}, {report['at']}",
        f"board {report['board']}, chip {report['unique_id']}, terminal {report['terminal']}",
        "",
        *(line for check in report["checks"] for line in _lines(check)),
        "",
        "passed" if report["passed"] else "failed",
    ]
    path.with_suffix(".txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    say(f"{lines[-1]}; the report is {path}.json and .txt")


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add `selftest` to the command line."""
    command = commands.add_parser("selftest", help="test a flashed board part by part")
    command.add_argument("--port", help="a serial device, or socket://host:port")
    command.add_argument("--skip", action="store_true", help="leave out what needs a person")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    alone = options.skip or not sys.stdin.isatty()
    return 0 if selftest(options.port, None if alone else _asked, REPORTS) else 1


def _asked(question: str) -> bool:
    return input(f"selftest: {question} (y/n) ").strip().lower().startswith("y")
