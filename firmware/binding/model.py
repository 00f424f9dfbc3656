"""A binding, a request to change it and the record that remains, as the bytes that are stored.

A binding is the string of its TLVs DF30-DF37 in ascending order: what is stored is what is sealed
for the acquirer and what its token is computed from. May import card.tlv only.
"""

import struct
from array import array

from micropython import const

from firmware.card import tlv

NAME = const(0xDF30)  # account holder, UTF-8, 1-60 bytes
ACCOUNT = const(0xDF31)  # account number, 8-32 digits
CNAPS = const(0xDF32)  # 12 digits
BANK = const(0xDF33)  # bank name, UTF-8, at most 60 bytes
KIND = const(0xDF34)  # 1 corporate, 2 personal
LICENCE = const(0xDF35)  # unified social credit code, 18 ASCII
PAN = const(0xDF36)  # 13-19 digits
EXPIRY = const(0xDF37)  # YYMM

CHANGE_ACCOUNT = const(1)
CHANGE_CARD = const(2)
RESTORE = const(3)

CORPORATE = const(1)
PERSONAL = const(2)

BINDING_MAX = const(251)  # bytes of TLVs; all fields at their longest are 230

_REQUEST = ">16sIIBBB2sB8s"  # UUID STAN time action slot reason operator approved old-token
_RECORD = ">IBBB2s2sB12s"  # time action slot reason operator code status reference
_RECORD_LEN = const(24)
_APPLICATION_MAX = const(32)  # characters of DF43
_RECORD_MAX = const(142)  # bytes: with the longest DF43, 72 of DF41 are kept, 24 characters in zh


def field(tlvs, tag):
    """Return the value of `tag` in a binding's TLVs as bytes, or None."""
    found = array("i", bytes(4 * tlv.OUT_LEN))
    if tlvs is None or tlv.find(tlvs, 0, len(tlvs), tag, found) != 1:
        return None
    return bytes(memoryview(tlvs)[found[1] : found[1] + found[2]])


def compose(fields):
    """Return a binding's TLVs from {tag: bytes}; tags that are None are left out.

    Raises ValueError when they are longer than BINDING_MAX.
    """
    buf = bytearray(BINDING_MAX)
    pos = 0
    for tag in range(NAME, EXPIRY + 1):
        value = fields.get(tag)
        if value is not None:
            pos = tlv.put(buf, pos, BINDING_MAX, tag, value, 0, len(value))
            if pos < 0:
                raise ValueError(tag)
    return bytes(memoryview(buf)[:pos])


def number(tlvs):
    """Return the account number of a binding, or its card number, as bytes; None without
    either.
    """
    found = field(tlvs, ACCOUNT)
    return found if found is not None else field(tlvs, PAN)


def truncated(digits):
    """Return a number as DE 103 and records show it: first six, `*`, last four.

    With fewer than 13 digits only `*` and the last four (PCI DSS 3.4.1).
    """
    text = bytes(digits).decode()
    return "*" + text[-4:] if len(text) < 13 else text[:6] + "*" + text[-4:]


class Request:
    """A request to change a slot's binding, as it is stored before it is sent.

    uuid: 16 bytes. stan, time: those of the first sending (DE 11; Unix epoch of DE 7). operator:
    two ASCII digits. approved: whether supervisor 00 approved. old_token: of the binding to be
    replaced, 8 bytes, or None. tlvs: the new binding. Never holds CVV2 or a one-time code.
    """

    def __init__(
        self, uuid, stan, time, action, slot, reason, operator, approved, old_token, tlvs
    ):
        self.uuid = uuid
        self.stan = stan
        self.time = time
        self.action = action
        self.slot = slot
        self.reason = reason
        self.operator = operator
        self.approved = approved
        self.old_token = old_token
        self.tlvs = tlvs

    def pack(self):
        """Return the bytes to store of all but the new binding."""
        return struct.pack(
            _REQUEST,
            self.uuid,
            self.stan,
            self.time,
            self.action,
            self.slot,
            self.reason,
            self.operator,
            (1 if self.approved else 0) | (2 if self.old_token else 0),
            self.old_token or bytes(8),
        )

    @staticmethod
    def unpack(stored, tlvs):
        """Return the request that `pack` stored, for the binding `tlvs`."""
        uuid, stan, time, action, slot, reason, operator, bits, token = struct.unpack(
            _REQUEST, stored
        )
        return Request(
            uuid,
            stan,
            time,
            action,
            slot,
            reason,
            operator,
            bool(bits & 1),
            token if bits & 2 else None,
            tlvs,
        )


class Record:
    """What remains of a change for people to look up: masked data only.

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
