"""Has Python's heap grow at start, once and by little, so that the chip's own heap stays for TLS.

MicroPython's heap begins with 56 KB on this chip and doubles when that is full, as far as the
chip's heap has as much in one piece. Of what is left a TLS connection needs 32 KB while it is
made, and Wi-Fi some more. So the heap is filled here, while most of the chip's is held as the
receive buffer of the card reader, the one buffer there whose size can be chosen from Python: what
can be had is `_GROWTH`. What always holds: a piece that stays keeps the second area, which would
be given back when it is empty. In memory only while the board is built. May import esp32.
"""

import esp32
from micropython import const

READER_BUFFER = const(1024)  # what the reader needs
_GROWTH = const(28 * 1024)
_LONGEST = const(65000)  # the length of a UART's buffer has 16 bits
_PIECE = const(1024)
_PIECES = const(56)  # fill the heap that there is at start


def grow(uart):
    """Fill Python's heap until it has grown; return the piece that has to stay, None when it has
    not grown.

    uart: the card reader's, None when there is none. What it has received is lost.
    """
    largest = _largest()
    if uart is None or largest <= _GROWTH + READER_BUFFER:
        return None
    uart.init(rxbuf=min(largest - _GROWTH, _LONGEST))
    pieces = []
    kept = None
    try:
        before = _largest()
        while _largest() == before and len(pieces) < _PIECES:
            pieces.append(bytearray(_PIECE))
        if _largest() < before:
            kept = bytearray(_PIECE)  # where else than in what has come
    except MemoryError:
        pass  # it cannot grow: then it takes nothing from TLS either
    uart.init(rxbuf=READER_BUFFER)
    return kept


def _largest():
    return max([region[2] for region in esp32.idf_heap_info(esp32.HEAP_DATA)])
