"""Lives in which memory ends once, at a call of the firmware: what must hold after each.

What always holds: memory ends after the start and once a life; the same number ends it at the
same call. What counts is a call of the firmware's own, the loading of a module and the making of a
task; a coroutine that goes on is no call. May import crash and counter.
"""

import asyncio
import functools
import sys
from collections import namedtuple
from dataclasses import dataclass, replace
from importlib.machinery import SourceFileLoader
from types import SimpleNamespace
from unittest import mock

from firmware import rooms
from firmware.desk import Desk
from firmware.terminal import Terminal
from host_tests.crash import ROOT, life, scenarios, world
from host_tests.crash.bodies import CPython
from host_tests.crash.explorer import Explorer
from host_tests.memory import counter

_OURS = (f"{ROOT}/firmware/", f"{ROOT}/drivers/")
_BEGIN = Desk.open.__code__  # the start is over: the first errand is opened
_END = life.Till.facts.__code__  # what follows is looked at, no longer lived
_START = Terminal._main.__code__  # what it makes belongs to the start
_TASK = asyncio.create_task.__code__
_DEPTH = 3  # calls, from the last one back, that make a way
_LATER_S = 1000  # what found no room and nobody waits for has come again by then
_QUIET = SimpleNamespace(collect=lambda: None)  # CPython's takes long
_kinds, _held = {}, []  # {id: kind}, and what has these ids
_NOBODY = ("_kept", "Terminal._kept", "Terminal._supervise")  # tasks that nobody waits for


class Ending(CPython):
    """Lives in this process; memory ends at call `at` (None: never) after the start.

    calls: how many there were. where: the call at which it ended; asked: whether that was in what
    a person had asked for. ways: with `watch`, {a call and those that led to it, with their lines:
    [its first number, its last]}.
    """

    def __init__(self, way):
        super().__init__(way)
        self.at, self.watch, self.ways = None, False, {}
        self.calls, self.where, self.asked = 0, "", False

    def live(self, there, plan):
        """Live one life in the world `there`, from what it has."""
        self.calls, self.where, self.asked, self._begun = 0, "", False, False
        sys.settrace(self._called)
        try:
            with (
                mock.patch.object(rooms, "gc", _QUIET),
                mock.patch.object(SourceFileLoader, "source_to_code", _code_of),
            ):
                super().live(there, plan)
        finally:
            sys.settrace(None)

    def _called(self, frame, event, argument):
        code = frame.f_code
        kind = _kinds.get(id(code))
        if kind is None:
            kind = _kind(code)
        if not kind:
            return
        if not self._begun:
            self._begun = code is _BEGIN
            return
        if code is _END:
            sys.settrace(None)
        if not _counts(frame, code, kind):
            return
        number, self.calls = self.calls, self.calls + 1
        if self.watch:
            self.ways.setdefault(_way_to(frame), [number, number])[1] = number
        if number == self.at:
            self.where = f"{_short(code.co_filename)} {code.co_qualname}"
            self.asked = asyncio.current_task().get_coro().__qualname__ not in _NOBODY
            sys.settrace(None)
            raise MemoryError


@functools.cache
def _compiled(data, path):
    return compile(data, path, "exec", dont_inherit=True)


def _code_of(loader, data, path):
    # What comes and goes in every life is compiled once, also where Python keeps no files of it.
    return _compiled(bytes(data), path)


def _kind(code):
    # Asked once a code: a life has a million calls.
    if code in (_TASK, _END):
        kind = "end" if code is _END else "task"
    elif not code.co_filename.startswith(_OURS):
        kind = ""
    else:
        kind = "module" if code.co_name == "<module>" else "call"
    _kinds[id(code)] = kind
    _held.append(code)
    return kind


def _counts(frame, code, kind):
    if kind == "task":
        maker = frame.f_back.f_code
        return maker.co_filename.startswith(_OURS) and maker is not _START
    if kind != "call":
        return kind == "module"
    if frame.f_lineno != code.co_firstlineno:
        return False
    # What a task begins with was made, and found its room, where the task was.
    return not frame.f_back.f_code.co_filename.endswith("asyncio/events.py")


def _way_to(frame):
    found = []
    while frame is not None and len(found) < _DEPTH:
        if frame.f_code.co_filename.startswith(_OURS):
            found.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back
    return tuple(found)


def _short(path):
    return path.removeprefix(f"{ROOT}/")


@dataclass(frozen=True)
class Story:
    """What is lived: a scenario of crash, at the counter when `goals` are given.

    goals, number, new: see counter.Person. passwords: where they are not those of the scenario.
    """

    base: str
    goals: tuple = ()
    number: str | None = "6222020200112233445"
    new: str = "71940382"
    passwords: tuple = tuple(scenarios.PASSWORDS.items())

    @property
    def scenario(self):
        """The scenario, with what a person at the counter needs to know."""
        told = scenarios.SCENARIOS[self.base]
        if not self.goals:
            return told
        plan = {**told.plan, "goals": self.goals, "at the counter": dict(self.passwords)}
        plan |= {"number": self.number, "chosen": {"01": self.new}}
        if plan.get("probe"):
            plan["probe"] = [dict(self.passwords)["01"], self.new]
        if self.number is None:
            bound = world.binding("6222021234567890128")
            plan["tlvs"] = bound.hex()
            told = replace(told, ends=(bound, scenarios.OLD))
        return replace(told, plan=plan)


MAIN = ("change accepted", "change at the counter")
STORIES = {
    **{name: Story(name) for name in scenarios.SCENARIOS},
    "change at the counter": Story("change accepted", ("change",)),
    "change by card": Story("change accepted", ("change",), None),
    "review at the counter": Story("reviewed", ("review", "watch")),
    "restore at the counter": Story("restore", ("restore",)),
    "accept at the counter": Story("changed elsewhere", ("accept",)),
    "password at the counter": Story("password change", ("password",), None, scenarios.CHOSEN),
    "first day at the counter": Story(
        "first start",
        ("network", "language", "about", "bindings", "pending", "records", "agrees"),
        None,
        "71828182",
        (("01", world.FIRST_PASSWORD),),
    ),
}


class _Explorer(Explorer):
    def __init__(self, story, body):
        super().__init__(story.base, body)
        self.scenario = story.scenario


Found = namedtuple("Found", "kind line")  # kind: disagreements, restarts or silent


class Sweep:
    """One story (by name) with its calls. points: how many there are. lived: the last life."""

    def __init__(self, name, body=Ending):
        story = STORIES[name]
        self._name = name
        self._body = body(counter.live if story.goals else life.live)
        self._explorer = _Explorer(story, self._body)
        self.lived = None
        self._body.watch = True
        self._uncut = self._explorer.again()
        self._body.watch = False
        self.points = self._body.calls
        told = self._explorer.scenario
        plan = {**told.plan, "linger_s": _LATER_S}
        self._explorer.scenario = replace(told, plan=plan)

    @property
    def where(self):
        """The call at which memory ended last."""
        return self._body.where

    def edges(self, of=None):
        """The calls that are the first or the last reached in their way; of: those ways alone that
        a function so called is part of.
        """
        return sorted(
            {
                number
                for way, numbers in self._body.ways.items()
                if of is None or any(code.co_qualname == of for code, _ in way)
                for number in numbers
            }
        )

    def unharmed(self):
        """What is wrong with the life in which memory does not end."""
        return [f"{self._name}: {rule}: {wrong}" for rule, wrong in self._broken(self._uncut)]

    def found(self, at):
        """End memory at call `at`; return what is wrong, a Found a rule."""
        self._body.at = at
        lived = self.lived = self._explorer.again()
        self._body.at = None
        place = f"{self._name}:{at} {self.where}"
        found = []
        for rule, wrong in self._broken(lived):
            restarted = rule == "starts_again" and lived.failure is not None
            kind = "restarts" if restarted else "disagreements"
            found.append(Found(kind, f"{place} {rule}: {wrong}"))
        if self._body.asked and self._silent(lived.world.facts):
            found.append(Found("silent", f"{place}: no page says so"))
        return found

    def _broken(self, lived):
        found = self._explorer.broken(lived)
        lost = lived.world.facts.get("lost")
        return [*found, ("leads on", lost)] if lost is not None else found

    def _silent(self, facts):
        # Nobody was told, and not everything came as if nothing had happened.
        settled, as_ever = facts.get("settled"), self._uncut.world.facts.get("settled", {})
        if settled is None or settled["told"]:
            return False
        seen = ("bindings", "phase", "right", "left", "pages")
        return any(settled.get(key) != as_ever.get(key) for key in seen)

    def story(self, at):
        """Tell, for people, what happens when memory ends at call `at`."""
        found = self.found(at)
        facts = self.lived.world.facts
        lines = [f"{self._name}: memory ends at call {at} of {self.points}, {self.where}"]
        for entry in self.lived.world.log[self._explorer.seen_before :]:
            lines.append("  seen: " + " ".join(str(part) for part in entry if part is not None))
        settled = facts.get("settled", {})
        lines += [f"  page: {page}" for page in settled.get("pages", ())]
        lines += [f"  WRONG {one.line}" for one in found] or ["  all rules hold"]
        return "\n".join(lines)

    def close(self):
        """No more lives."""
        self._explorer.close()
        self._body.close()
