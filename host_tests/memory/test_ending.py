"""A sample of the calls at which memory ends, under CPython; what the sweep is there to find."""

import contextlib
import random
import sys
from types import ModuleType

import pytest

from firmware import terminal as terminals
from firmware.storage.journal import Journal
from host_tests.memory import ending
from host_tests.memory.ending import Sweep

OWN, COUNTER = ending.MAIN


@pytest.fixture
def sweep():
    """Give `sweep(story)`, a Sweep whose undisturbed life is as it should be."""
    begun = []

    def begin(story):
        one = Sweep(story)
        begun.append(one)
        assert one.unharmed() == []
        return one

    yield begin
    for one in begun:
        one.close()


def lines(sweep, points):
    return [found.line for at in points for found in sweep.found(at)]


def kinds(sweep, points):
    return {found.kind for at in points for found in sweep.found(at)}


def test_terminal_and_acquirer_agree_wherever_memory_ends_in_a_change(sweep):
    there = sweep(OWN)
    draw, ended = random.Random(2), set()
    for at in sorted(draw.sample(range(there.points), 50)):
        assert lines(there, [at]) == []
        ended.add(there.where)
    assert len(ended) > 10 and "" not in ended  # it did end, each time


def test_people_at_the_counter_are_told_and_get_what_they_wanted(sweep):
    there = sweep(COUNTER)
    asked = there.edges("Canvas.title") + there.edges("TlsLink.open") + there.edges("Journal.put")
    assert lines(there, random.Random(2).sample(asked, 6)) == []


def test_a_put_that_swallows_the_end_of_memory_is_caught(sweep, monkeypatch):
    put = Journal.put

    def swallow(self, changes, entry=None):
        with contextlib.suppress(MemoryError):
            put(self, changes, entry)

    there = sweep(OWN)
    within = there.edges("Journal.put")
    monkeypatch.setattr(Journal, "put", swallow)
    assert kinds(there, within[::2])


def test_an_end_of_memory_that_no_page_tells_of_is_caught(sweep, monkeypatch):
    async def run(desk, name, fault):
        """Show nothing."""

    fault = ModuleType("firmware.fault")
    fault.run = run
    monkeypatch.setitem(sys.modules, fault.__name__, fault)
    there = sweep(COUNTER)
    assert "silent" in kinds(there, there.edges("Canvas.title")[:6])


def test_a_task_that_does_not_outlive_the_end_of_memory_is_caught(sweep, monkeypatch):
    async def kept(self, work):
        try:
            await work()
        except MemoryError as fault:
            self._fault = fault
            self._person.cancel()

    monkeypatch.setattr(terminals.Terminal, "_kept", kept)
    there = sweep(COUNTER)
    assert "restarts" in kinds(there, there.edges("Sync.once")[:4])
