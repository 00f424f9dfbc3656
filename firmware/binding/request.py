"""The request to change a binding that is under way, as the bytes that are stored.

May import model, change and storage.
"""

import struct

from micropython import const

from firmware.binding import model
from firmware.storage import audit
from firmware.storage import state as store

PACKED = ">16sIIBBB2sB8s"  # UUID STAN time action slot reason operator approved old-token
# Where each stands, for who has no room for more than the bytes
STAN_AT = const(16)  # behind the UUID
TIME_AT = const(20)
ACTION_AT = const(24)
SLOT_AT = const(25)
REASON_AT = const(26)
OPERATOR_AT = const(27)
BITS_AT = const(29)
TOKEN_AT = const(30)
APPROVED = const(1)  # of the bits
REPLACES = const(2)


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


def pending(state):
    """Return the pending Request, or None."""
    stored, tlvs = state.get(store.PENDING), state.get(store.PENDING_TLVS)
    if stored is None or tlvs is None:
        return None
    uuid, stan, time, action, slot, reason, operator, bits, token = struct.unpack(PACKED, stored)
    approved, token = bool(bits & APPROVED), token if bits & REPLACES else None
    return Request(uuid, stan, time, action, slot, reason, operator, approved, token, tlvs)


def entry(request, event, time, outcome=None):
    """Return the audit entry that tells of `event` with a request, masked."""
    detail = "%d %s" % (request.slot, model.masked(request.tlvs))
    code = b"--"
    if outcome is not None:
        code = outcome.code
        detail = ("%s %s" % (detail, outcome.reference.decode())).rstrip()
    return audit.entry(event, time, request.operator, code, detail.encode())
