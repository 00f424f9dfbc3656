"""The demo: a change of account and one of card on a fresh workplace, a restart, the comparison.

It has a home of its own, and never touches the one that `make run` keeps.

Plays host_tests/scenarios/demo.txt, which ends, after a restart, on the page that shows the
terminal's check token. It succeeds only when that token is the one in the acquirer's books.
"""

import asyncio
import sys
import time
from collections import Counter

from tools.acquirer import OfficeError
from tools.simulator import scenario, workplace
from tools.simulator.interpreter import REPOSITORY, NoInterpreter

SCRIPT = REPOSITORY / "host_tests" / "scenarios" / "demo.txt"
AGREED = "binding agreed: terminal == acquirer"


def run(home=workplace.DEMO_HOME, heap=workplace.HEAP, quiet=False):
    """Play the demo; return the exit status, 0 only when both sides agree."""
    try:
        statements = scenario.load(SCRIPT)
        with workplace.held(home, demo=True):
            identity = workplace.prepare(home)
            began = time.monotonic()
            terminal, books = asyncio.run(_play(home, identity, heap, statements, quiet))
    except OSError as error:
        print(f"demo: {workplace.explained(error)}", file=sys.stderr)
        return 1
    except (
        scenario.ScenarioError,
        workplace.BuildFailed,
        workplace.HomeRefused,
        NoInterpreter,
        OfficeError,
    ) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print(f"after {time.monotonic() - began:.1f} s: terminal {terminal}, acquirer {books}")
    if terminal != books:
        print("binding NOT agreed", file=sys.stderr)
        return 1
    print(AGREED)
    return 0


class _Presses:
    """How many keys were pressed in each phase of the script."""

    def __init__(self, stage):
        self.of = Counter()
        self._phase = None
        self._keypad = stage.terminal.keypad
        self._before = self._keypad.presses
        stage.on_phase = self.enter

    def enter(self, phase):
        self.of[self._phase] += self._keypad.presses - self._before
        self._phase, self._before = phase, self._keypad.presses


async def _play(home, identity, heap, statements, quiet):
    echo = None if quiet else lambda text: print(text, flush=True)
    async with workplace.at_work(home, identity, heap, echo) as stage:
        presses = _Presses(stage)
        await stage.play(statements)
        presses.enter(None)
        print(
            "presses from log-in to submit: "
            f"account {presses.of['account']}, card (swiped) {presses.of['card']}"
        )
        if stage.terminal.boots < 2:
            raise scenario.ScenarioError(f"{SCRIPT.name} did not restart the terminal")
        return await stage.terminal_token(), stage.books_token()
