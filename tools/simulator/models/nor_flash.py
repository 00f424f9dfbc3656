"""A raw flash partition: writes only clear bits, an erase sets a whole sector, and power can fail.

The image is a file that is written through, byte for byte what the chip would hold; it survives
the terminal's process and the host's. Faults: `cut_power_at` stops the supply inside an operation,
which leaves a prefix of a write or a half-erased sector; `worn` sectors no longer take what is
written.
"""

import os
import random
import threading

from tools.simulator.models import PowerCut

SECTOR_SIZE = 4096


class NorFlash:
    """The partition `label` of `sectors` sectors, kept in the file `path`; a shorter image, of a
    smaller partition, is extended with erased sectors.

    `operations` counts programs and erases since the model was made; `on_operation(kind, sector)`
    is called before each, on the bus thread.
    """

    def __init__(self, path, sectors=64, label="journal"):
        self.path = path
        self.sectors = sectors
        self.label = label
        self.operations = 0
        self.programmed_bytes = 0
        self.erases = [0] * sectors
        self.worn = set()
        self.on_operation = lambda kind, sector: None
        self._lock = threading.Lock()
        self._cut = None
        self.size = size = sectors * SECTOR_SIZE
        with open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600)) as image:
            image.write(b"\xff" * (size - image.tell()))
        self._file = open(path, "r+b", buffering=0)  # noqa: SIM115 (open for life)
        self._image = bytearray(self._file.read())
        if len(self._image) != size:
            raise ValueError(f"{path}: {len(self._image)} bytes, a partition of {size} expected")

    def close(self):
        self._file.close()

    def flash(self, image):
        """Put `image`, as large as the partition, in the place of all that is in it."""
        with self._lock:
            self._store(0, image)

    # -- faults -----------------------------------------------------------------------------------

    def cut_power_at(self, operation, kept=0, seed=1):
        """Let the supply fail inside the `operation`-th program or erase from now (1 = the next).

        kept: of a program, the number of bytes that are still written; of an erase, the number of
        the sector's 256 steps that are done, the bits beyond being set at random from `seed`; 256
        is a whole erase whose end the terminal never learns.
        """
        with self._lock:
            self._cut = (self.operations + operation, kept, seed)

    def no_cut(self):
        """Take `cut_power_at` back."""
        with self._lock:
            self._cut = None

    def _cut_here(self, kind, sector):
        self.operations += 1
        self.on_operation(kind, sector)
        if self._cut is None or self._cut[0] != self.operations:
            return None
        cut = self._cut
        self._cut = None
        return cut

    # -- the chip's side --------------------------------------------------------------------------

    def _place(self, sector, offset, n):
        """Return the offset in the image, or None when the range is not inside the partition."""
        start = sector * SECTOR_SIZE + offset
        return start if start + n <= len(self._image) else None

    def read(self, sector, offset, n):
        """Return `n` bytes, or None outside the partition."""
        start = self._place(sector, offset, n)
        return None if start is None else bytes(self._image[start : start + n])

    def program(self, sector, offset, data):
        """Clear the bits that are 0 in `data`; return False outside the partition.

        Raises PowerCut when the supply fails meanwhile: a prefix of `data` is then written.
        """
        with self._lock:
            start = self._place(sector, offset, len(data))
            if start is None:
                return False
            cut = self._cut_here("program", sector)
            n = len(data) if cut is None else min(cut[1], len(data))
            self.programmed_bytes += n
            if sector not in self.worn:
                self._store(
                    start,
                    bytes(a & b for a, b in zip(self._image[start:], data[:n], strict=False)),
                )
            if cut is not None:
                raise PowerCut
            return True

    def erase(self, sector):
        """Set a sector to FF; return False when there is no such sector.

        Raises PowerCut when the supply fails meanwhile: some bits are then set and some are not.
        """
        with self._lock:
            if not 0 <= sector < self.sectors:
                return False
            cut = self._cut_here("erase", sector)
            start = sector * SECTOR_SIZE
            self.erases[sector] += 1
            if cut is not None:
                if cut[1]:
                    self._store(start, self._half_erased(start, cut[1], cut[2]))
                raise PowerCut
            if sector not in self.worn:
                self._store(start, b"\xff" * SECTOR_SIZE)
            return True

    def _half_erased(self, start, steps, seed):
        done = min(steps, 256) * SECTOR_SIZE // 256
        noise = random.Random(seed).randbytes(SECTOR_SIZE - done)
        rest = self._image[start + done : start + SECTOR_SIZE]
        return b"\xff" * done + bytes(a | b for a, b in zip(rest, noise, strict=True))

    def _store(self, start, data):
        self._image[start : start + len(data)] = data
        os.pwrite(self._file.fileno(), data, start)
