"""Looking for an element in what a chip card has sent, however deep.

Always holds: nothing outside the given range is read, nothing is allocated, not even in passing.
In memory only while a card is awaited. Imports `card.tlv` only.
"""

from micropython import const

from firmware.card.tlv import TAG, VALUE, element

_DEPTH = const(5)
_OPEN = const(3)  # in `out`: how many templates are open; behind that where each ends
_ENDS = const(4)
SEEK_LEN = const(9)


def seek(buf, pos, end, tag, out):
    """Look for the first `tag` in `buf[pos:end]`.

    Templates are entered, each within its own end; bytes 00 and FF between elements are passed
    over (ISO/IEC 7816-4, 5.2.2). Return 1 when it is there: `out`, array('i', SEEK_LEN), describes
    it as `tlv.step` does, and what follows it was not looked at. Return 0 when it is not, -1 when
    anything in front of it is malformed or lies more than five templates deep. A `tag` of 0 is
    never there, so all is looked at.
    """
    out[_OPEN] = 0
    while True:
        while pos >= end:
            if not out[_OPEN]:
                return 0
            out[_OPEN] -= 1
            end = out[_ENDS + out[_OPEN]]
        if buf[pos] == 0 or buf[pos] == 0xFF:
            pos += 1
            continue
        pos = element(buf, pos, end, out, 0)
        if pos < 0:
            return -1
        if out[TAG] == tag:
            return 1
        if _is_template(out[TAG]):
            if out[_OPEN] == _DEPTH:
                return -1
            out[_ENDS + out[_OPEN]] = end
            out[_OPEN] += 1
            end = pos
            pos = out[VALUE]


def _is_template(tag):
    while tag > 0xFF:
        tag >>= 8
    return tag & 0x20
