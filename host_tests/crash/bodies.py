"""Where a life is lived: in this process, or in a MicroPython process, one after another.

What always holds: the same `life` module, in virtual time; what a life does and what it reports is
the same in every run. May import life, world; tools.build for MicroPython.
"""

import asyncio
import math
import selectors

from firmware.acquirer import exchange, settlement, sign_on
from host_tests.crash import life
from host_tests.crash.world import CONFIG

RESIDENT = exchange, settlement, sign_on  # not loaded anew in each of thousands of lives


class _Waiting(selectors.SelectSelector):
    """Waits by moving the world's time."""

    def __init__(self, world):
        super().__init__()
        self._world = world

    def select(self, timeout=None):
        if timeout is None:
            raise RuntimeError("the terminal waits for nothing")
        if timeout > 0:
            self._world.passed(math.ceil(timeout * 1000))
        return []


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, world):
        self._world = world
        self._start_ms = world.now_ms()
        super().__init__(_Waiting(world))

    def time(self):
        return (self._world.now_ms() - self._start_ms) / 1000


class CPython:
    """Lives in this process."""

    name = "CPython"

    def live(self, world, plan):
        """Live one life in `world`, from what it has."""
        start = world.snapshot()

        def run(coroutine):
            with asyncio.Runner(loop_factory=lambda: _Loop(world)) as runner:
                runner.run(coroutine)

        life.live(world, plan, CONFIG, start.flash, dict(start.nvs), run)

    def close(self):
        """Nothing to end."""
