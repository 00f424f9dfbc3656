"""What a start costs: instructions from power-on to the log-in page, counted by valgrind.

Run: python -m tools.bench.start. Writes the entry `boot` of build/reports/size.json, unless it was
counted for the same device already: {"instructions": n, "until": "the log-in page", "of": SHA-256
of the device's files}. Without valgrind n is null and `why` says so.

Counted is the device's interpreter alone, from the first line of boot.py: on a terminal that is
provisioned and has been on before, without a network, so that nothing waits for anybody but for
the key that a person presses on the idle page. It ends as the log-in page has been drawn, in the
middle of the message that draws the last of it; so the count does not depend on the machine's
speed, but for some scans of the keypad (a hundredth of a percent).
"""

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from tools.bench import instructions
from tools.bench.interpreter import REPORTS
from tools.simulator import workplace
from tools.simulator.interpreter import REPOSITORY, NoInterpreter
from tools.simulator.screen_reader import read
from tools.simulator.terminal import SimulatedTerminal
from tools.toolchain.place import write

UNTIL = "the log-in page"

_SIZES = REPORTS / "size.json"
_TEXTS = REPOSITORY / "firmware" / "text" / "zh.json"
_ONLY_STARTED = "import machine\nmachine.reset()\n"
_LIMIT_S = 60
_PRESS_AGAIN_S = 0.2


class Failed(Exception):
    """The terminal did not come to the page; the message says what it printed."""


def count(device):
    """Return how many instructions the built `device` takes to the log-in page, or None when
    there is no valgrind that can run it. Raises Failed, NoInterpreter.
    """
    counted = instructions.under_valgrind(instructions.micropython())
    if counted is None or not instructions.count([*instructions.micropython(), "-c", ""]):
        return None
    with tempfile.TemporaryDirectory(prefix="rebind-start-") as home:
        workplace.prepare(home, device)
        return asyncio.run(_count(Path(home) / "terminal", counted))


async def _count(home, counted):
    await _start(home, None, _to_idle)  # the first time it makes keys
    whole = await _start(home, counted, _to_log_in)
    (home / "fs" / "boot.py").write_text(_ONLY_STARTED, encoding="utf-8")
    rom = await _start(home, counted, _to_reset)
    return whole - rom


async def _start(home, counted, there):
    """Switch the terminal on, run by the command `counted` if any, have `there(terminal, end)` end
    it, and return how many instructions were counted.
    """
    terminal = SimulatedTerminal(home, command=counted)
    terminal.wifi.networks = []
    try:
        await terminal.power_on()
        there(terminal, lambda pid=terminal.pid: _end(pid))
        async with asyncio.timeout(_LIMIT_S):
            while terminal.on:
                await terminal.changed.wait()
    except TimeoutError:
        raise Failed("\n".join(terminal.console.lines[-20:])) from None
    finally:
        await terminal.close()
    found = [instructions.TOTAL.search(line) for line in terminal.console.lines]
    return next((int(one[1]) for one in found if one), 0)


def _end(pid):
    """On the bus thread, with the device waiting for an answer: end its process, and let it say
    what it has counted.
    """
    os.kill(pid, signal.SIGTERM)
    with contextlib.suppress(ProcessLookupError):
        while True:
            os.kill(pid, 0)
            time.sleep(0.01)


def _to_idle(terminal, end):
    _on_page(terminal, "idle.begin", end)


def _to_log_in(terminal, end):
    pressing = []

    async def press():
        while terminal.on:  # a key that comes before the page has asked for one is dropped
            await terminal.keypad.press("D")
            await asyncio.sleep(_PRESS_AGAIN_S)

    _on_page(terminal, "log_in.number", end)
    _on_page(
        terminal,
        "idle.begin",
        lambda: terminal.soon(lambda: pressing.append(asyncio.ensure_future(press()))),
    )


def _to_reset(terminal, end):
    terminal.board.on_reset = lambda cause: end()


def _on_page(terminal, key, act):
    """Have `act()` called, on the bus thread, as the page with this text is drawn."""
    text = _squeezed(json.loads(_TEXTS.read_text(encoding="utf-8"))[key])
    before = terminal.panel.on_change
    done = []

    def look():
        before()
        if not done and text in _squeezed("".join(read(terminal.panel.pixels))):
            done.append(True)
            act()

    terminal.panel.on_change = look


def _squeezed(text):
    return "".join(text.split())


def entry(device, former):
    """Return the report's entry for the built `device`; `former` is the one that is there."""
    digest = hashlib.sha256()
    for path in sorted(device.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(device).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    of = digest.hexdigest()
    if former and former["of"] == of and former["instructions"] is not None:
        return former
    found = count(device)
    made = {"instructions": found, "until": UNTIL, "of": of}
    return made if found is not None else {**made, "why": "no valgrind that can run it"}


def main():
    """Count, print, and write the entry; return the exit status."""
    try:
        sizes = json.loads(_SIZES.read_text(encoding="utf-8"))
    except FileNotFoundError:
        print(f"{_SIZES.name} is not there: run `make build`", file=sys.stderr)
        return 1
    try:
        sizes["boot"] = entry(workplace.device_root(), sizes.get("boot"))
    except (Failed, NoInterpreter, workplace.BuildFailed) as trouble:
        print(trouble, file=sys.stderr)
        return 1
    write(_SIZES, json.dumps(sizes, indent=1) + "\n")
    found = sizes["boot"]["instructions"]
    told = sizes["boot"]["why"] if found is None else f"{found:,} instructions"
    print(f"a start, from boot.py to {UNTIL}: {told}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
