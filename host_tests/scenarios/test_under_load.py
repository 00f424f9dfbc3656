"""A host that has no time: the story of a person stays true, only slower."""

import asyncio
import contextlib
import os
import signal

import pytest

from host_tests.scenarios.test_scenarios import HERE, device  # noqa: F401 (a fixture)
from tools.bench.load import load
from tools.simulator import scenario, workplace

_BUSY = 15
_ROUNDS = 2
_STANDS_S, _RUNS_S = 0.18, 0.02

# Every key counts here: one lost or one too many, and what follows is another page.
_ONCE_MORE = """
see "@reason.4"
press C
see "@change.title"
choose "@change.title"
pass "请备好营业执照"
pass "@notice.title"
"""


@contextlib.asynccontextmanager
async def starved(terminal):
    """Give the terminal's process a tenth of its time, in slices."""

    async def let_run_now_and_then():
        while True:
            with contextlib.suppress(ProcessLookupError, AttributeError):  # it is off just now
                os.kill(terminal.pid, signal.SIGSTOP)
                await asyncio.sleep(_STANDS_S)
                os.kill(terminal.pid, signal.SIGCONT)
            await asyncio.sleep(_RUNS_S)

    task = asyncio.ensure_future(let_run_now_and_then())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(ProcessLookupError, AttributeError):
            os.kill(terminal.pid, signal.SIGCONT)


@contextlib.asynccontextmanager
async def busy(terminal):
    """Have the host do other things beside it."""
    with load(_BUSY):
        yield


@pytest.mark.parametrize("trouble", [busy, starved])
def test_no_key_is_lost_and_none_meets_the_page_before(
    trouble,
    device,  # noqa: F811
    tmp_path,
    record_property,
):
    record_property("interpreter", "micropython")
    story = tmp_path / "story.txt"
    story.write_text(
        "".join((HERE / "parts" / part).read_text() for part in ("start.txt", "to_change.txt"))
        + _ONCE_MORE * _ROUNDS
        + 'see "@reason.4"\n'
    )
    statements = scenario.load(story)
    identity = workplace.prepare(tmp_path, device)

    async def play():
        async with workplace.at_work(tmp_path, identity) as stage, trouble(stage.terminal):
            await stage.play(statements)

    asyncio.run(play())
