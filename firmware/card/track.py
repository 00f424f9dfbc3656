"""Magnetic tracks 1 and 2 (ISO/IEC 7813) among the raw bytes of a card reader.

Always holds: nothing outside the given range is read, nothing is allocated, the bytes stay where
they are: the answer is offsets. Noise before and after a track is skipped; the LRC is checked
where the reader sends one. Call it when the line has been quiet for a moment.
Imports `card.luhn` only.
"""

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


def _digits(buf, at, end):
    """Return the offset of the first byte from `at` that is no ASCII digit, or `end`."""
    while at < end and 48 <= buf[at] <= 57:
        at += 1
    return at


def _tail(buf, start, at, end, separator, out, pan, pan_len):
    """Read a track from its expiry at `at` to the end; `start` is its start sentinel."""
    expiry = 0
    service = 0
    if at < end and buf[at] == separator:
        at += 1
    else:
        expiry = at
        at = _digits(buf, at, min(end, at + 4))
        if at < expiry + 4:
            return INCOMPLETE if at == end else MALFORMED
        month = (buf[at - 2] - 48) * 10 + buf[at - 1] - 48
        if month < 1 or month > 12:
            return MALFORMED
    if at < end and buf[at] == separator:
        at += 1
    else:
        service = at
        at = _digits(buf, at, min(end, at + 3))
        if at < service + 3:
            return INCOMPLETE if at == end else MALFORMED

    two = separator == _SEPARATOR_2
    low = 0x30 if two else 0x20
    high = 0x3F if two else 0x5F
    stop = start + 1 + (_TRACK_2_MAX if two else _TRACK_1_MAX)
    while True:
        if at == end:
            return INCOMPLETE
        char = buf[at]
        if char == _END:
            break
        if at == stop or char < low or char > high or char == _START_1 or char == _START_2:
            return MALFORMED
        at += 1

    if at + 1 < end:
        # The next byte is the LRC unless it cannot be one or opens another track.
        sent = buf[at + 1]
        if low <= sent <= high and sent != _START_1 and sent != _START_2 and sent != _START_3:
            lrc = 0
            for i in range(start, at + 1):
                lrc ^= buf[i] - low
            if (lrc & high - low) + low != sent:
                return BAD_LRC
    out[PAN] = pan
    out[PAN_LEN] = pan_len
    out[EXPIRY] = expiry
    out[SERVICE] = service
    return OK if valid(buf, pan, pan_len) else BAD_CHECK_DIGIT


def _one(buf, start, end, separator, out):
    """Read the track whose start sentinel is at `start`."""
    pan = start + 1
    if pan + 1 < end and buf[pan] == _ERROR and buf[pan + 1] == _END:
        return BAD_READ
    if separator == _SEPARATOR_1:
        if pan < end and buf[pan] != _FORMAT_B and buf[pan] != _ERROR:
            return MALFORMED
        pan += 1
    elif pan + 1 == end and buf[pan] == _ERROR:
        return INCOMPLETE
    if pan >= end:
        return INCOMPLETE
    at = _digits(buf, pan, end)
    pan_len = at - pan
    if pan_len > _PAN_MAX:
        return MALFORMED
    if at == end:
        return INCOMPLETE
    if pan_len == 0 or buf[at] != separator:
        return MALFORMED
    at += 1
    if separator == _SEPARATOR_1:
        name = at
        while at < end and buf[at] != _SEPARATOR_1:
            char = buf[at]
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
    return _tail(buf, start, at, end, separator, out, pan, pan_len)


def _search(buf, start, end, sentinel, separator, out):
    """Return the verdict of the first whole track that opens with `sentinel`, else the worst."""
    worst = NOTHING
    for at in range(start, end):
        if buf[at] == sentinel:
            verdict = _one(buf, at, end, separator, out)
            if verdict == OK or verdict == BAD_CHECK_DIGIT:
                return verdict
            worst = max(worst, verdict)
    return worst


def parse(buf, start, end, out):
    """Find a card in `buf[start:end]`; return a verdict, OK when `out` describes it.

    Track 2 is preferred, track 1 serves when there is no whole track 2. `out` is array('H', 4):
    see PAN .. SERVICE. The PAN has 1 to 19 digits; what a payment card needs is the caller's rule.
    """
    two = _search(buf, start, end, _START_2, _SEPARATOR_2, out)
    if two == OK or two == BAD_CHECK_DIGIT:
        return two
    one = _search(buf, start, end, _START_1, _SEPARATOR_1, out)
    if one == OK or one == BAD_CHECK_DIGIT:
        return one
    return max(two, one)
