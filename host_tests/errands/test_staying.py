"""Nothing that must be read leaves by itself: a result waits for a key for a minute, warns, and is
found again on the idle page when nobody came. Time is made up: a minute takes no time.
"""

import asyncio
import time
from types import SimpleNamespace

import pytest

from drivers.clock import Clock
from firmware.binding import change
from firmware.errands import idle, submission
from firmware.storage import state as store
from firmware.ui.pages import Idle
from host_tests.binding.test_sync import _secrets
from host_tests.errands.test_submission import FORM, LOST, Counter
from host_tests.ui.stage import Stage, settle


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to whatever is due next."""

    now = 0.0

    def time(self):
        return self.now

    def _run_once(self):
        if not self._ready and self._scheduled:
            self.now = max(self.now, self._scheduled[0]._when)
        super()._run_once()


def lived(story):
    began = time.monotonic()
    with asyncio.Runner(loop_factory=Loop) as runner:
        result = runner.run(story)
    assert time.monotonic() - began < 30  # nothing waits for the clock on the wall
    return result


async def until_it_warns(stage, task):
    """Read the page that stands at the end; return it once the warning is there."""
    await asyncio.sleep(1)
    page = stage.lines
    await asyncio.sleep(43)
    assert stage.lines == page
    await asyncio.sleep(15)  # 59 s
    assert stage.lines[:-1] == page[:-1] and not task.done()
    assert stage.text("ui.leaving").replace(" ", "") in stage.lines[-1].replace(" ", "")
    return page


PAGES = [
    lambda pages: pages.message("result.refused", "words " * 40, True),
    lambda pages: pages.message("result.refused", lambda: "words of the moment", True),
    lambda pages: pages.message("change.title", "a question?"),
    lambda pages: pages.notice("notice.title", "words " * 40),
]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_waits_for_a_minute_and_warns(page):
    stage = Stage("en")

    async def story():
        task = asyncio.create_task(page(stage.pages))
        await until_it_warns(stage, task)
        await asyncio.sleep(2)
        assert isinstance(task.exception(), Idle)

    lived(story())


@pytest.mark.parametrize(
    "events, code, title, found",
    [
        ([change.ACTIVE], b"00", "result.accepted", "idle.ended.2"),
        ([change.REJECTED], b"63", "result.refused", "idle.ended.4"),
        ([change.SUPERSEDED], b"00", "result.superseded", "idle.ended.8"),
        ([change.WITHDRAWN], b"00", "result.withdrawn", "idle.ended.9"),
        ([change.REVIEWING], b"09", "result.review", "idle.phase.3"),
        ([change.STUCK], b"30", "result.held", "idle.phase.4"),
        ([LOST] * 4, b"--", "result.unknown", "idle.phase.2"),
        ([], b"--", "result.unsent", "idle.phase.1"),
    ],
)
def test_a_result_that_nobody_read_is_found_again_on_the_idle_page(events, code, title, found):
    counter = Counter([None] * len(events) or [3] * 4, *events)
    counter.line.code = code
    stage = counter.stage

    async def story():
        counter.sync.keep(_secrets())
        await counter.open("propose", *FORM)
        work = submission.run(counter, "change.title")
        task = asyncio.create_task(work)
        while stage.lines[:1] != [stage.text(title)]:
            await asyncio.sleep(0.1)
        await until_it_warns(stage, task)
        await asyncio.sleep(2)
        assert isinstance(task.exception(), Idle)
        return await at_the_idle_page(counter)

    shown = lived(story())
    assert counter.text("idle.left_alone") in shown
    assert counter.text(found) in shown


async def at_the_idle_page(counter):
    """Return what stands there after `counter` was left alone."""
    counter.board.faults = []
    counter.board.keypad = SimpleNamespace(stuck=-1)
    counter.board.wifi = SimpleNamespace(connected=True, encrypted=True)
    counter.clock.civil = lambda epoch, out: Clock.civil(None, epoch, out)
    task = asyncio.create_task(idle.run(counter))
    await settle()
    shown = counter.stage.lines
    await asyncio.sleep(600)
    assert counter.stage.lines == shown and not task.done()  # it stays, too
    task.cancel()
    return shown


def test_a_result_that_somebody_read_is_not_told_again():
    counter = Counter([None], change.REJECTED)

    async def story():
        counter.sync.keep(_secrets())
        await counter.open("propose", *FORM)
        work = submission.run(counter, "change.title")
        task = asyncio.create_task(work)
        await asyncio.sleep(5)
        await counter.stage.press("DDD")
        await asyncio.wait_for(task, 5)

    lived(story())
    assert counter.state.get(store.NOTICE) is None
