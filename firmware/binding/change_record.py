"""The record that remains of a change, as the bytes that are stored: masked data only.

May import model, legible and change.
"""

import struct

from micropython import const

from firmware.binding.change import ACTIVE, REJECTED
from firmware.binding.legible import legible
from firmware.binding.model import masked

_RECORD = ">IBBB2s2sB12s"  # time action slot reason operator code event+kind reference
_KIND = const(4)  # bits of the event below the kind of a refusal
_RECORD_LEN = const(24)
_APPLICATION_MAX = const(32)  # characters of DF43
_RECORD_MAX = const(142)  # bytes: with the longest DF43, 72 of DF41 are kept, 24 characters in zh
_OLDER = {1: ACTIVE, 3: REJECTED}  # older firmware kept DF40 there; as events they end nothing


class ChangeRecord:
    """What remains of a change for people to look up.

    time: when it was settled, Unix epoch. event: how it ended, as in binding.change; kind: of a
    refusal, as there, 0 when it was not said. code: DE 39 as 2 bytes. reference: DE 37.
    application: DF43. note: the acquirer's reason (DF41). number: masked. What older firmware
    has kept and can't be read is left out.
    """

    def __init__(self, stored):
        (
            self.time,
            self.action,
            self.slot,
            self.reason,
            self.operator,
            self.code,
            event,
            self.reference,
        ) = struct.unpack(_RECORD, stored[:_RECORD_LEN])
        self.kind = event >> _KIND
        event &= (1 << _KIND) - 1
        self.event = _OLDER.get(event, event)
        text = [legible(part) for part in stored[_RECORD_LEN:].split(b"\n", 2)] + ["", ""]
        self.number, self.application, self.note = text[:3]


def compose(request, outcome, time):
    """Return the bytes to store of the record that `outcome` leaves of `request`."""
    kind = outcome.kind if outcome.event == REJECTED else 0
    head = struct.pack(
        _RECORD,
        time,
        request.action,
        request.slot,
        request.reason,
        request.operator,
        outcome.code,
        outcome.event | kind << _KIND,
        outcome.reference,
    )
    text = (
        masked(request.tlvs),
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
