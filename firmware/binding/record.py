"""The record that remains of a change, as the bytes that are stored: masked data only.

In memory only while one is made or read. May import model.
"""

import struct

from micropython import const

from firmware.binding.model import number, truncated

_RECORD = ">IBBB2s2sB12s"  # time action slot reason operator code status reference
_RECORD_LEN = const(24)
_APPLICATION_MAX = const(32)  # characters of DF43
_RECORD_MAX = const(142)  # bytes: with the longest DF43, 72 of DF41 are kept, 24 characters in zh


class Record:
    """What remains of a change for people to look up.

    time: when it was settled, Unix epoch. code: DE 39 as 2 bytes. status: DF40. reference: DE 37.
    application: DF43. note: the acquirer's reason (DF41). number: truncated.
    """

    def __init__(self, stored):
        (
            self.time,
            self.action,
            self.slot,
            self.reason,
            self.operator,
            self.code,
            self.status,
            self.reference,
        ) = struct.unpack(_RECORD, stored[:_RECORD_LEN])
        text = stored[_RECORD_LEN:].decode().split("\n", 2)
        self.number, self.application, self.note = text


def record(request, outcome, time):
    """Return the bytes to store of the record that `outcome` leaves of `request`."""
    head = struct.pack(
        _RECORD,
        time,
        request.action,
        request.slot,
        request.reason,
        request.operator,
        outcome.code,
        outcome.status,
        outcome.reference,
    )
    text = (
        truncated(number(request.tlvs) or b""),
        outcome.application[:_APPLICATION_MAX],
        outcome.note,
    )
    return whole_characters(head + "\n".join(text).encode(), _RECORD_MAX)


def whole_characters(data, most):
    """Return the first `most` bytes of UTF-8 `data`, or some less: no character is cut."""
    if len(data) > most:
        while data[most] & 0xC0 == 0x80:
            most -= 1
    return data[:most]
