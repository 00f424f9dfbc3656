"""Has Python's heap grow at start, once and by little, so that the chip's own heap stays for TLS.

MicroPython's heap begins with 56 KB on this chip and doubles when that is full, as far as the
chip's heap has as much in one piece. How much there is depends on the image, and in how many
pieces on what was there before: Wi-Fi outlives a soft reset, in the middle of it. So it is looked
at here, with every part built and the radio started: what a connection needs while it is made, and
what is to stay even then, is nobody else's. Of the rest the heap is given what it can use, from
the second piece if that is large enough, so that the largest one stays whole. For that it is
filled while the rest of the chip's heap is held as the buffers of a UART, the only ones there
whose size can be chosen from Python: what can be had is what it is to have. What always holds: a
piece that stays keeps the second area, which would be given back when it is empty. May import
esp32.
"""

import esp32
from micropython import const

READER_BUFFER = const(1024)  # what the card reader needs
_SEND_BUFFER = const(256)  # MicroPython's own, of a UART that nothing is sent with
_CONNECTION = const(32 * 1024)  # what TLS takes while it shakes hands: 31.2 KB measured
_FLOOR = const(12 * 1024)  # what stays at the worst moment
_MOST = const(28 * 1024)
_DOUBLE = const(56 * 1024)  # by more it does not grow at once
_LEAST = const(8 * 1024)  # less is not worth an area of its own, nor told from the small pieces
_ENOUGH = const(16 * 1024)  # in a piece of its own, also where there is more to have
_LONGEST = const(65000)  # the length of a UART's buffer has 16 bits
_STEP = const(4096)
_SLACK = const(2048)  # the buffers that the UART had may be beside what is held
_PIECE = const(1024)
_PIECES = const(56)  # fill the heap that there is at start


def grow(uart):
    """Fill Python's heap until it has grown; return the piece that has to stay, None when it has
    not grown: then there is too little for both. Whatever fails is no fault of the board.

    uart: the card reader's or a spare one, None when there is none. What it has received is lost.
    """
    if uart is None:
        return None
    kept = None
    try:
        if _leave(uart):
            kept = _fill()
    except (OSError, MemoryError):
        pass  # it cannot be held, or Python's heap cannot grow: it takes nothing from TLS either
    try:
        _hold(uart, READER_BUFFER, _SEND_BUFFER)
    except OSError:
        pass  # a reader without its buffer reads nothing, and the terminal starts all the same
    return kept


def _leave(uart):
    # Hold all of the chip's heap but what Python's may have; return whether it may have any.
    regions = esp32.idf_heap_info(esp32.HEAP_DATA)  # the small ones have no room for TLS
    free = sum([region[1] for region in regions if region[2] >= _ENOUGH])
    growth = min(_MOST, free - _CONNECTION - _FLOOR)
    if growth < _LEAST:
        return False
    first = _largest()
    _hold_two(uart, first - _SLACK, _SEND_BUFFER)
    second = _largest()
    if second < min(growth, _ENOUGH):
        _hold_two(uart, first - growth, _SEND_BUFFER)
        return _is_right(first, growth)
    # What is held of the second piece may lie in a smaller one: then more of it.
    held = max(second - growth, 0)
    while second - held >= _LEAST:
        _hold_two(uart, first - _SLACK, max(held, _SEND_BUFFER))
        if _is_right(first, growth):
            return True
        held += _STEP
    return False


def _is_right(first, growth):
    # Whether Python's may have what can be had now: as much as it is to have, or little beside
    # the largest piece there is.
    had = _largest()
    return had <= growth + _SLACK or first - min(had, _DOUBLE) >= _CONNECTION + _FLOOR


def _hold_two(uart, large, small):
    # The large one first: what comes after it cannot lie in its place. The buffer to send is the
    # first that MicroPython asks for; if it is not, the other way round is.
    try:
        _hold(uart, small, large)
    except OSError:
        _hold(uart, large, small)


def _hold(uart, received, sent):
    uart.init(rxbuf=min(received, _LONGEST), txbuf=min(sent, _LONGEST))


def _fill():
    # Fill what Python has until it has more; return a piece of that.
    pieces = []
    before = _largest()
    while _largest() == before and len(pieces) < _PIECES:
        pieces.append(bytearray(_PIECE))
    return bytearray(_PIECE) if _largest() < before else None  # where else than in what has come


def _largest():
    return max([region[2] for region in esp32.idf_heap_info(esp32.HEAP_DATA)])
