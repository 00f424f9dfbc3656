"""Waiting for a key loses none, whenever it comes."""

import asyncio

from host_tests.ui.stage import Stage


class LateKeys:
    """A keypad whose key arrives at the very moment in which the wait for it ends."""

    def __init__(self):
        self._codes = []

    def get(self):
        return self._codes.pop() if self._codes else -1

    async def arrival(self, limit_ms):
        await asyncio.sleep(limit_ms / 1000)
        self._codes.append(ord("7"))


def test_a_key_that_comes_as_the_wait_ends_is_not_lost():
    stage = Stage()
    stage.pages._keypad = LateKeys()
    assert asyncio.run(stage.pages.key(tick_ms=20)) == ord("7")
