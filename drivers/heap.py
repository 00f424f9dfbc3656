"""Has Python's heap grow at start, once and by little, so that the chip's own heap stays for TLS.

MicroPython's heap begins with 56 KB on this chip and doubles when that is full, as far as the
chip's heap has as much in one piece. How large that piece is depends on the image, so it is looked
at here, with every part built and the radio started: what a connection needs while it is made, and
what is to stay even then, is nobody else's. Of the rest the heap is given what it can use. For
that it is filled while most of the chip's heap is held as the receive buffer of a UART, the one
buffer there whose size can be chosen from Python: what can be had is what it is to have. What
always holds: a piece that stays keeps the second area, which would be given back when it is empty.
In memory only while the board is built. May import esp32.
"""

import esp32
from micropython import const

READER_BUFFER = const(1024)  # what the card reader needs
_CONNECTION = const(32 * 1024)  # what TLS takes while it shakes hands: 31.2 KB measured
_RADIO = const(4 * 1024)  # what Wi-Fi takes beside it, once it is started
_FLOOR = const(12 * 1024)  # what stays at the worst moment
_MOST = const(28 * 1024)
_LEAST = const(8 * 1024)  # less is not worth an area of its own, nor told from the small pieces
_LONGEST = const(65000)  # the length of a UART's buffer has 16 bits
_PIECE = const(1024)
_PIECES = const(56)  # fill the heap that there is at start


def grow(uart):
    """Fill Python's heap until it has grown; return the piece that has to stay, None when it has
    not grown: then there is too little for both.

    uart: the card reader's or a spare one, None when there is none. What it has received is lost.
    """
    largest = _largest()
    growth = min(_MOST, largest - _CONNECTION - _RADIO - _FLOOR)
    if uart is None or growth < _LEAST:
        return None
    uart.init(rxbuf=min(largest - growth, _LONGEST))
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
