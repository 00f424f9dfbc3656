"""Magnetic tracks 1 and 2 (ISO/IEC 7813) among the raw bytes of a card reader.

Always holds: nothing outside the given range is read, nothing is allocated, the bytes stay where
they are: the answer is offsets. Noise before and after a track is skipped; the LRC is checked
where the reader sends one. Call it when the line has been quiet for a moment.
Native code: stays in memory. Imports `card.luhn` only.
"""

import micropython
from micropython import const

from firmware.card.luhn import valid

OK = const(0)
NOTHING = const(1)  # no start sentinel
BAD_READ = const(2)  # the reader's own mark for a track it could not read
MALFORMED = const(3)
BAD_LRC = const(4)
BAD_CHECK_DIGIT = const(5)  # a whole track, `out` filled, but Luhn fails: no payment card
INCOMPLETE = const(6)  # more bytes may make a track of it

# Positions in `out`, array('H', 4). An offset of 0 means that the card leaves the item out.
PAN = const(0)
PAN_LEN = const(1)
EXPIRY = const(2)  # YYMM
SERVICE = const(3)  # service code, 3 digits
OUT_LEN = const(4)

_PAN_MAX = const(19)
_TRACK_1_MAX = const(76)  # characters between the sentinels
_TRACK_2_MAX = const(37)
_NAME_MIN = const(2)
_NAME_MAX = const(26)

_END = const(0x3F)  # ?
_START_1 = const(0x25)  # %
_START_2 = const(0x3B)  # ;
_START_3 = const(0x2B)  # +
_SEPARATOR_1 = const(0x5E)  # ^
_SEPARATOR_2 = const(0x3D)  # =
_FORMAT_B = const(0x42)
_ERROR = const(0x45)  # E


@micropython.viper
def _one(buf, start: int, end: int, out: ptr16) -> int:
    """Read the track whose start sentinel is at `start`; return the verdict on it."""
    data = ptr8(buf)
    separator = _SEPARATOR_2
    low = 0x30  # of the characters that the track may hold
    high = 0x3F
    stop = start + 1 + _TRACK_2_MAX
    pan = start + 1
    if pan + 1 < end and data[pan] == _ERROR and data[pan + 1] == _END:
        return BAD_READ
    if data[start] == _START_1:
        separator = _SEPARATOR_1
        low = 0x20
        high = 0x5F
        stop = start + 1 + _TRACK_1_MAX
        if pan < end and data[pan] != _FORMAT_B and data[pan] != _ERROR:
            return MALFORMED
        pan += 1
    elif pan + 1 == end and data[pan] == _ERROR:
        return INCOMPLETE

    at = pan
    while at < end and data[at] ^ 0x30 < 10:
        at += 1
    pan_len = at - pan
    if pan_len > _PAN_MAX:
        return MALFORMED
    if at >= end:
        return INCOMPLETE
    if pan_len == 0 or data[at] != separator:
        return MALFORMED
    at += 1

    if separator == _SEPARATOR_1:
        name = at
        while at < end and data[at] != _SEPARATOR_1:
            char = data[at]
            if char < 0x20 or char > 0x5F or char == _START_1 or char == _END:
                return MALFORMED
            at += 1
            if at - name > _NAME_MAX:
                return MALFORMED
        if at == end:
            return INCOMPLETE
        if at - name < _NAME_MIN:
            return MALFORMED
        at += 1

    expiry = 0
    if at < end and data[at] == separator:
        at += 1
    else:
        expiry = at
        while at < end and at < expiry + 4 and data[at] ^ 0x30 < 10:
            at += 1
        if at < expiry + 4:
            return INCOMPLETE if at == end else MALFORMED
        month = (data[at - 2] ^ 0x30) * 10 + (data[at - 1] ^ 0x30)
        if month < 1 or month > 12:
            return MALFORMED
    service = 0
    if at < end and data[at] == separator:
        at += 1
    else:
        service = at
        while at < end and at < service + 3 and data[at] ^ 0x30 < 10:
            at += 1
        if at < service + 3:
            return INCOMPLETE if at == end else MALFORMED

    while True:
        if at == end:
            return INCOMPLETE
        char = data[at]
        if char == _END:
            break
        if at == stop or char < low or char > high or char == _START_1 or char == _START_2:
            return MALFORMED
        at += 1

    if at + 1 < end:
        # The next byte is the LRC unless it cannot be one or opens another track.
        sent = data[at + 1]
        starts = sent == _START_1 or sent == _START_2 or sent == _START_3
        if sent >= low and sent <= high and not starts:
            lrc = 0
            i = start
            while i <= at:
                lrc ^= data[i] - low
                i += 1
            if (lrc & high - low) + low != sent:
                return BAD_LRC
    out[PAN] = pan
    out[PAN_LEN] = pan_len
    out[EXPIRY] = expiry
    out[SERVICE] = service
    return OK if int(valid(buf, pan, pan_len)) else BAD_CHECK_DIGIT


@micropython.viper
def parse(buf, start: int, end: int, out) -> int:
    """Find a card in `buf[start:end]`; return a verdict, OK when `out` describes it.

    Track 2 is preferred, track 1 serves when there is no whole track 2. `out` is array('H', 4):
    see PAN .. SERVICE. The PAN has 1 to 19 digits; what a payment card needs is the caller's rule.
    """
    data = ptr8(buf)
    worst = NOTHING
    sentinel = _START_2
    while True:
        at = start
        while at < end:
            if data[at] == sentinel:
                verdict = int(_one(buf, at, end, out))
                if verdict == OK or verdict == BAD_CHECK_DIGIT:
                    return verdict
                if verdict > worst:
                    worst = verdict
            at += 1
        if sentinel == _START_1:
            return worst
        sentinel = _START_1
