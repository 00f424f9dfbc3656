"""Keeps Python's heap from taking what a TLS connection needs of the chip's own heap.

MicroPython's heap doubles when it is full, as far as the chip's heap has that in one piece, and
seldom gives it back; a connection that is being made takes 32 KB of the same heap, and Wi-Fi some
more. So what must stay free is held, as the receive buffer of the card reader: the one buffer
there whose size can be chosen from Python. What always holds: while it is held, Python's heap can
grow by `_GROWTH` at most. What the reader has received and nobody has fetched is lost at each
change. May import esp32.
"""

import esp32
from micropython import const

READER_BUFFER = const(1024)  # what the reader itself needs
_GROWTH = const(28 * 1024)
_LONGEST = const(65000)  # the length of a UART's buffer has 16 bits


class Reserve:
    """Holds memory as the receive buffer of `uart`; nothing when there is none."""

    def __init__(self, uart):
        self._uart = uart

    def hold(self):
        """Hold all of the chip's heap but what Python's may grow by."""
        self.release()
        if self._uart is not None:
            largest = max([region[2] for region in esp32.idf_heap_info(esp32.HEAP_DATA)])
            if largest - _GROWTH > READER_BUFFER:
                self._uart.init(rxbuf=min(largest - _GROWTH, _LONGEST))

    def release(self):
        """Give it back: a connection is about to be made."""
        if self._uart is not None:
            self._uart.init(rxbuf=READER_BUFFER)
