"""The magnetic card reader: a UART whose bytes are moved into the caller's buffer, unread.

What always holds: nothing waits, nothing is allocated, not even in passing; nothing of a card
stays here. Native code: stays in memory. Imports nothing of the board: the UART (receive buffer
of 1024, since a swipe outruns the default 256) comes in through the constructor.
"""

import micropython
from micropython import const

_PIECE = const(32)


class Magstripe:
    """The reader behind `uart`."""

    def __init__(self, uart):
        self._uart = uart
        self._piece = bytearray(_PIECE)

    @micropython.native  # as byte code its frame would be too large for the stack
    def read_into(self, buf, off):
        """Move what has arrived to `buf` from `off` on, as far as it has room; return the bytes
        moved.
        """
        uart = self._uart
        piece = self._piece
        start = off
        end = len(buf)
        while off < end:
            count = min(uart.any(), end - off, _PIECE)
            if not count:
                break
            count = uart.readinto(piece, count)
            if not count:
                break
            for index in range(count):
                buf[off] = piece[index]
                piece[index] = 0
                off += 1
        return off - start

    def drop(self):
        """Forget what has arrived: a swipe nobody asked for."""
        while self._uart.any() and self._uart.readinto(self._piece):
            pass
        for index in range(_PIECE):
            self._piece[index] = 0
