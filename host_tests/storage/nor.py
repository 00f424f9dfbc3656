"""A NOR flash for unit tests: writes clear bits, a cut leaves a prefix or a half-erased sector.

Runs on both interpreters.
"""


class PowerCut(Exception):
    """Power is gone; nothing after this happened."""


ERASE_STEPS = 4


class Nor:
    """A block device of `sectors` sectors that loses power after `cut` steps.

    A sector is one erase block; what is read or programmed may go on in the next.
    A step is a byte programmed or a quarter of a sector erased; what a cut erase has not reached
    is half erased. `dead` sectors keep what they hold, whatever is written. `reads` and `erases`
    count operations.
    """

    sector_size = 4096

    def __init__(self, sectors=6, image=None):
        self.sectors = sectors
        self.data = bytearray(b"\xff" * sectors * self.sector_size if image is None else image)
        self.cut = None
        self.steps = 0
        self.reads = 0
        self.erases = [0] * sectors
        self.dead = set()
        self._noise = 1

    def _step(self):
        if self.cut is not None:
            if self.cut == 0:
                raise PowerCut
            self.cut -= 1
        self.steps += 1

    def flip(self, sector, off, bit):
        """Turn one bit over."""
        self.data[sector * self.sector_size + off] ^= 1 << bit

    def read(self, sector, off, buf):
        at = sector * self.sector_size + off
        assert at + len(buf) <= len(self.data)
        self.reads += 1
        buf[:] = self.data[at : at + len(buf)]

    def program(self, sector, off, buf):
        at = sector * self.sector_size + off
        assert at + len(buf) <= len(self.data)
        for i, byte in enumerate(bytes(buf)):
            self._step()
            if (at + i) // self.sector_size not in self.dead:
                self.data[at + i] &= byte

    def erase(self, sector):
        at = sector * self.sector_size
        end = at + self.sector_size
        quarter = self.sector_size // ERASE_STEPS
        self.erases[sector] += 1
        for start in range(at, end, quarter):
            try:
                self._step()
            except PowerCut:
                for i in range(start, end if start > at else start):
                    self._noise = self._noise * 1103515245 + 12345 & 0x7FFFFFFF
                    self.data[i] |= self._noise >> 16 & 0xFF
                raise
            if sector not in self.dead:
                self.data[start : start + quarter] = b"\xff" * quarter
