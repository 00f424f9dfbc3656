"""Frames of the contactless reader PN532 on its high-speed UART (PN532 user manual, 6.2.1).

    00 | 00 FF | LEN LCS | TFI data ... | DCS | 00        LEN + LCS = 0, TFI + data + DCS = 0
    00 | 00 FF | FF FF LEN(2) LCS | TFI data ... | DCS | 00        longer than 255 bytes
    00 | 00 FF | 00 FF | 00        acknowledged;  FF 00: not acknowledged

Always holds: nothing outside the given range is read, nothing is allocated, not even in passing.
Noise and damaged frames are passed over: reading goes on one byte behind the start that was none.
In memory only while a field waits for a card. Imports nothing.
"""

from micropython import const

MORE = const(0)  # nothing whole yet
DATA = const(1)
ACK = const(2)
NACK = const(3)
ERROR = const(4)  # the reader did not understand the command

# Positions in `out`, array('H', OUT_LEN).
PLACE = const(0)  # of TFI
LENGTH = const(1)  # of TFI and data
NEXT = const(2)  # where to go on; what is in front of it is needed no more
OUT_LEN = const(3)

_NONE = const(-1)  # no frame begins here
_LONGEST = const(265)
_ERROR = const(0x7F)


def frame(buf, at, end, out):
    """Find the first frame in `buf[at:end]`; return what it is, or MORE.

    `out[NEXT]` always says where to go on; `out[PLACE]` and `out[LENGTH]` describe DATA.
    """
    while at + 3 < end:
        if buf[at] or buf[at + 1] != 0xFF:
            at += 1
            continue
        kind = _head(buf, at, end, out)
        if kind == _NONE:
            at += 1
            continue
        if kind == MORE:
            out[NEXT] = at
        return kind
    # A start may have begun in the last bytes: the zero in front of FF comes first.
    while at < end and (buf[at] or (at + 1 < end and buf[at + 1] != 0xFF)):
        at += 1
    out[NEXT] = at
    return MORE


def _head(buf, at, end, out):
    # Tell what begins at `at`.
    length = buf[at + 2]
    check = buf[at + 3]
    out[NEXT] = at + 4
    if length + check == 0xFF and (not length or not check):
        return NACK if length else ACK
    out[PLACE] = at + 4
    if length & check == 0xFF:
        if at + 7 > end:
            return MORE
        out[PLACE] = at + 7
        check = buf[at + 4] + buf[at + 5] + buf[at + 6]
        length = buf[at + 4] << 8 | buf[at + 5]
    else:
        check += length
    if check & 0xFF or length == 0 or length > _LONGEST:
        return _NONE
    out[LENGTH] = length
    return _body(buf, end, out)


def _body(buf, end, out):
    at = out[PLACE]
    stop = at + out[LENGTH]
    if stop >= end:
        return MORE
    total = 0
    while at <= stop:
        total += buf[at]
        at += 1
    if total & 0xFF:
        return _NONE
    out[NEXT] = at
    return ERROR if out[LENGTH] == 1 and buf[out[PLACE]] == _ERROR else DATA
