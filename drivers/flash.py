"""The raw flash of the journal: sectors that are erased to FF and programmed by clearing bits.

What always holds: an address outside the partition is refused before the chip is touched; what is
read or programmed may go on in the next sector; nothing is erased unless asked. A power cut leaves
a prefix of a programming, or a half-erased sector: what to make of it is the journal's business.
Imports nothing of the board: the partition comes in through the constructor.
"""

from micropython import const

_SECTOR = const(4096)
_COUNT_BLOCKS = const(4)  # ioctl numbers of the block-device protocol
_ERASE_BLOCK = const(6)
_EINVAL = const(22)


class Flash:
    """The partition `partition`, spoken to in the block-device protocol with byte offsets."""

    sector_size = _SECTOR

    def __init__(self, partition):
        self._partition = partition
        self.sectors = partition.ioctl(_COUNT_BLOCKS, 0)

    def read(self, sector, off, buf):
        """Fill `buf` from byte `off` of `sector`. Raises OSError."""
        self._check(sector, off, len(buf))
        self._partition.readblocks(sector, buf, off)

    def program(self, sector, off, buf):
        """Clear the bits of `sector` that are 0 in `buf`, from byte `off` on. Raises OSError."""
        self._check(sector, off, len(buf))
        self._partition.writeblocks(sector, buf, off)

    def erase(self, sector):
        """Set all bits of `sector`. Raises OSError."""
        self._check(sector, 0, _SECTOR)
        if self._partition.ioctl(_ERASE_BLOCK, sector):
            raise OSError(_EINVAL)

    def _check(self, sector, off, n):
        if sector < 0 or off < 0 or sector * _SECTOR + off + n > self.sectors * _SECTOR:
            raise OSError(_EINVAL)
