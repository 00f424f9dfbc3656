"""A flash chip in memory that counts: what the journal and littlefs are both put on.

What always holds: programming only clears bits (to set one is an error, as it would be lost on the
chip), an erase sets a whole sector; every operation is counted. Runs on both interpreters; imports
nothing of the house.
"""

SECTOR = 4096

_EINVAL = 22
_EIO = 5


class Chip:
    """A block device of `sectors` sectors of 4 KiB in the extended block-device protocol.

    image: the whole chip as one bytearray. reads, read_bytes, programs, programmed_bytes: since
    `forget`. erases: of each sector, since `forget`. erased: their sum.
    """

    def __init__(self, sectors):
        self.sectors = sectors
        self.image = bytearray(b"\xff" * (sectors * SECTOR))
        self.forget()

    def forget(self):
        """Begin to count again."""
        self.reads = self.read_bytes = 0
        self.programs = self.programmed_bytes = 0
        self.erases = [0] * self.sectors
        self.erased = 0

    def readblocks(self, sector, buf, off=0):
        """Fill `buf` from byte `off` of `sector`. Raises OSError."""
        at = self._place(sector, off, len(buf))
        buf[:] = memoryview(self.image)[at : at + len(buf)]
        self.reads += 1
        self.read_bytes += len(buf)

    def writeblocks(self, sector, buf, off=0):
        """Clear the bits that are 0 in `buf`, from byte `off` of `sector` on.

        Raises OSError when one of the bits would have to be set.
        """
        n = len(buf)
        at = self._place(sector, off, n)
        before = int.from_bytes(self.image[at : at + n], "big")
        if int.from_bytes(buf, "big") | before != before:
            raise OSError(_EIO)
        self.image[at : at + n] = buf
        self.programs += 1
        self.programmed_bytes += n

    def ioctl(self, op, arg):
        """Answer 4 (count of sectors), 5 (their size), 6 (erase one); take the others as done."""
        if op == 4:
            return self.sectors
        if op == 5:
            return SECTOR
        if op == 6:
            at = self._place(arg, 0, SECTOR)
            self.image[at : at + SECTOR] = b"\xff" * SECTOR
            self.erases[arg] += 1
            self.erased += 1
        return 0

    def _place(self, sector, off, n):
        at = sector * SECTOR + off
        if off < 0 or not 0 <= at <= len(self.image) - n:
            raise OSError(_EINVAL)
        return at
