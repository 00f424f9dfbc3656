"""A NOR flash for unit tests: writes clear bits, a cut leaves a prefix or a half-erased sector."""

import random


class PowerCut(Exception):
    """Power is gone; nothing after this happened."""


class Nor:
    """A block device of `sectors` sectors that loses power after `cut` byte or erase steps."""

    sector_size = 4096

    def __init__(self, sectors=6):
        self.sectors = sectors
        self.data = bytearray(b"\xff" * sectors * self.sector_size)
        self.cut = None
        self.steps = 0
        self.erases = [0] * sectors
        self.dead = set()

    def _step(self):
        self.steps += 1
        if self.cut is not None:
            self.cut -= 1
            if self.cut < 0:
                raise PowerCut

    def read(self, sector, off, buf):
        at = sector * self.sector_size + off
        assert off + len(buf) <= self.sector_size
        buf[:] = self.data[at : at + len(buf)]

    def program(self, sector, off, buf):
        at = sector * self.sector_size + off
        assert off + len(buf) <= self.sector_size
        for i, byte in enumerate(bytes(buf)):
            if i % 16 == 0:
                self._step()
            if sector not in self.dead:
                self.data[at + i] &= byte

    def erase(self, sector):
        at = sector * self.sector_size
        try:
            self._step()
        except PowerCut:
            noise = random.Random(self.steps)
            for i in range(self.sector_size):
                self.data[at + i] |= noise.randrange(256)
            raise
        self.erases[sector] += 1
        if sector not in self.dead:
            self.data[at : at + self.sector_size] = b"\xff" * self.sector_size
