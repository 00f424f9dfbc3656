"""Lives in which memory ends once, at a call of the firmware: what must hold after each.

What always holds: memory ends after the start and once a life; the same number ends it at the
same call. A coroutine that goes on is no call. May import crash.
"""

import sys

from host_tests.crash import ROOT, life
from host_tests.crash.bodies import CPython
from host_tests.crash.explorer import Explorer

_OURS = (f"{ROOT}/firmware/", f"{ROOT}/drivers/")


class Ending(CPython):
    """Lives in this process; memory ends at call `at` (None: never) after the start.

    calls: how many there were. where: the call at which it ended.
    """

    def __init__(self):
        super().__init__()
        self.at, self.calls, self.where = None, 0, ""

    def live(self, world, plan):
        """Live one life in `world`, from what it has."""
        self.calls, self.where, self._world = 0, "", world
        sys.setprofile(self._called)
        try:
            super().live(world, plan)
        finally:
            sys.setprofile(None)

    def _called(self, frame, event, argument):
        code = frame.f_code
        if event != "call" or "booted" not in self._world.facts:
            return
        if code is life.Till.facts.__code__:
            sys.setprofile(None)  # what follows is looked at, no longer lived
        if not code.co_filename.startswith(_OURS) or frame.f_lineno != code.co_firstlineno:
            return
        number, self.calls = self.calls, self.calls + 1
        if number == self.at:
            self.where = f"{code.co_filename.removeprefix(f'{ROOT}/')} {code.co_qualname}"
            raise MemoryError


class Sweep:
    """One scenario (by name) with its calls."""

    def __init__(self, name):
        self._name, self._body = name, Ending()
        self._explorer = Explorer(name, self._body)
        self._explorer.cut(())
        self.points = self._body.calls

    @property
    def where(self):
        """The call at which memory ended last."""
        return self._body.where

    def disagreements(self, at):
        """End memory at call `at`; return what is wrong, a line a rule."""
        self._body.at = at
        lived = self._explorer.again()
        self._body.at = None
        found = self._explorer.broken(lived)
        return [f"{self._name}:{at} {self.where} {rule}: {wrong}" for rule, wrong in found]

    def close(self):
        """No more lives."""
        self._explorer.close()
        self._body.close()
