"""The demo: a change of account and one of card on a fresh workplace, a restart, the comparison.

It has a home of its own, and never touches the one that `make run` keeps.

Plays host_tests/scenarios/demo.txt, whose phases `account` and `card` are from log-in to
submission, and which ends, after a restart, on the page that shows the terminal's check token. It
succeeds only when that token is the one in the acquirer's books.
"""

import asyncio
import sys
import time

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
            terminal, books, presses = asyncio.run(_play(home, identity, heap, statements, quiet))
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
    print(
        "keys pressed from log-in to submission:"
        f" account {presses['account']}, card, which is swiped, {presses['card']}"
    )
    if terminal != books:
        print("binding NOT agreed", file=sys.stderr)
        return 1
    print(AGREED)
    return 0


async def _play(home, identity, heap, statements, quiet):
    echo = None if quiet else lambda text: print(text, flush=True)
    async with workplace.at_work(home, identity, heap, echo) as stage:
        await stage.play(statements)
        if stage.terminal.boots < 2:
            raise scenario.ScenarioError(f"{SCRIPT.name} did not restart the terminal")
        return await stage.terminal_token(), stage.books_token(), stage.presses
