"""The journal's sectors as files, for a board whose partition table has no `journal`.

What always holds: what is written is on the file system when the call returns; a sector that was
never written or has been erased has no file. Imports nothing of the board.
"""

import os

from micropython import const

_SECTORS = const(16)
_SECTOR = const(4096)
_COUNT_BLOCKS = const(4)  # ioctl numbers of the block-device protocol
_ERASE_BLOCK = const(6)
_ENOENT = const(2)
_EINVAL = const(22)


class Folder:
    """A partition in the folder `path`, in the block-device protocol with byte offsets.

    A sector grows: it takes bytes only behind those it has, as the journal writes them. Power loss
    leaves what the file system makes of it, with littlefs the sector as it was.
    """

    def __init__(self, path):
        self._path = path
        try:
            os.mkdir(path)
        except OSError:
            os.listdir(path)  # it is there from an earlier start, or it is a fault

    def readblocks(self, block, buf, offset=0):
        """Fill `buf` from byte `offset` of `block`, and of the next. Raises OSError."""
        block += offset // _SECTOR
        offset %= _SECTOR
        view = memoryview(buf)
        if offset + len(buf) > _SECTOR:
            self.readblocks(block + 1, view[_SECTOR - offset :])
            view = view[: _SECTOR - offset]
        n = 0
        try:
            with open(self._name(block), "rb") as file:
                file.seek(offset)
                n = file.readinto(view)
        except OSError as fault:
            if fault.errno != _ENOENT:
                raise
        for i in range(n, len(view)):
            view[i] = 0xFF

    def writeblocks(self, block, buf, offset):
        """Add `buf` to `block`, from byte `offset` on, and to the next. Raises OSError."""
        block += offset // _SECTOR
        offset %= _SECTOR
        rest = memoryview(buf)[_SECTOR - offset :]
        buf = memoryview(buf)[: _SECTOR - offset]
        size = self._size(block)
        if size > offset:
            raise OSError(_EINVAL)
        with open(self._name(block), "ab") as file:
            file.write(b"\xff" * (offset - size))
            file.write(buf)
        if rest:
            self.writeblocks(block + 1, rest, 0)

    def ioctl(self, command, argument):
        """Count the blocks (4) or erase one (6). Raises OSError."""
        if command == _COUNT_BLOCKS:
            return _SECTORS
        if command == _ERASE_BLOCK and self._size(argument):
            os.remove(self._name(argument))
        return 0

    def _size(self, block):
        try:
            return os.stat(self._name(block))[6]
        except OSError as fault:
            if fault.errno != _ENOENT:
                raise
            return 0

    def _name(self, block):
        return "%s/%02d" % (self._path, block)
