"""Frames of the contactless reader PN532 on its high-speed UART (PN532 user manual, 6.2.1).

    00 | 00 FF | LEN LCS | TFI data ... | DCS | 00        LEN + LCS = 0, TFI + data + DCS = 0
    00 | 00 FF | FF FF LEN(2) LCS | TFI data ... | DCS | 00        longer than 255 bytes
    00 | 00 FF | 00 FF | 00        acknowledged;  FF 00: not acknowledged

Always holds: nothing outside the given range is read, nothing is allocated. Noise and damaged
frames are passed over: reading goes on one byte behind the start that was none. Native code:
whoever drives the reader stays in memory. Imports nothing.
"""

import micropython
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

_LONGEST = const(265)
_ERROR = const(0x7F)


@micropython.viper
def frame(buf: ptr8, at: int, end: int, out: ptr16) -> int:
    """Find the first frame in `buf[at:end]`; return what it is, or MORE.

    `out[NEXT]` always says where to go on; `out[PLACE]` and `out[LENGTH]` describe DATA.
    """
    while at + 3 < end:
        if buf[at] or buf[at + 1] != 0xFF:
            at += 1
            continue
        length = buf[at + 2]
        check = buf[at + 3]
        place = at + 4
        if length == 0 and check == 0xFF:
            out[NEXT] = place
            return ACK
        if length == 0xFF and check == 0:
            out[NEXT] = place
            return NACK
        if length == 0xFF and check == 0xFF:
            place += 3
            if place > end:
                break
            check = buf[at + 4] + buf[at + 5] + buf[at + 6]
            length = buf[at + 4] << 8 | buf[at + 5]
        else:
            check += length
        if check & 0xFF or length == 0 or length > _LONGEST:
            at += 1
            continue
        stop = place + length
        if stop >= end:
            break
        total = 0
        i = place
        while i <= stop:
            total += buf[i]
            i += 1
        if total & 0xFF:
            at += 1
            continue
        out[PLACE] = place
        out[LENGTH] = length
        out[NEXT] = stop + 1
        return ERROR if length == 1 and buf[place] == _ERROR else DATA
    else:
        # A start may have begun in the last bytes: the zero in front of FF comes first.
        while at < end and (buf[at] or (at + 1 < end and buf[at + 1] != 0xFF)):
            at += 1
    out[NEXT] = at
    return MORE
