"""Collecting what a card reader sends, in pieces and among noise, until a card is in it.

Always holds: `buf` never overflows, and however much noise comes, no track that was sent whole is
lost; the first card stands, whatever is swiped after it; nothing is allocated once it is made, but
to wait.
The caller overwrites `buf` in the end. Imports `card.track` only.
"""

import asyncio
from array import array

from micropython import const

from firmware.card.track import BAD_CHECK_DIGIT, NOTHING, OK, OUT_LEN, parse

_QUIET_S = 0.1  # a swipe is over when the line has been quiet for this long
_KEEP = const(128)  # both tracks with LRC and line ends: 79 + 40 + 2 + 4


class Swipe:
    """The bytes in `buf` (256 bytes). Read at most `room()` to `buf[fill]`, then `accept` them."""

    def __init__(self, buf):
        """Use `buf`; `out` is array('H') as `track.parse` fills it."""
        self.buf = buf
        self.fill = 0
        self.out = array("H", bytes(2 * OUT_LEN))
        self._worst = NOTHING

    async def arrival(self, reader):
        """Wait until a card has been swiped at `reader`, which drops what came before; None for
        one that is not fitted: then no card ever comes.
        """
        while reader is None:
            await asyncio.sleep(3600)
        reader.drop()
        got = 1
        while not self.fill or got and self.room():
            await asyncio.sleep(_QUIET_S)
            got = reader.read_into(self.buf, self.fill)
            self.accept(got)

    def room(self):
        """Return how many bytes fit behind `fill`; 0 means that a card is there."""
        return len(self.buf) - self.fill

    def accept(self, n):
        """Take `n` bytes that were read to `buf[fill]`; what is full of noise is emptied."""
        self.fill += n
        if self.room():
            return
        verdict = self.verdict()
        if verdict != OK and verdict != BAD_CHECK_DIGIT:
            self._worst = verdict
            gone = self.fill - _KEEP
            for i in range(_KEEP):
                self.buf[i] = self.buf[gone + i]
            self.fill = _KEEP

    def verdict(self):
        """Return what `track.parse` says of all that came; `out` describes the card."""
        verdict = parse(self.buf, 0, self.fill, self.out)
        if verdict == OK or verdict == BAD_CHECK_DIGIT:
            return verdict
        return max(verdict, self._worst)
