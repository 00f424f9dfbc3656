"""A request begins: on flash before anything is said of it.

May import change, request and storage.
"""

import struct

from firmware.binding.change import STORED, NotPossible
from firmware.binding.request import APPROVED, PACKED, REPLACES, entry
from firmware.storage import audit
from firmware.storage import state as store


def begin(change, request):
    """Store `request` as the pending one of `change`, in the place of one that was never sent.

    Raises NotPossible while one that may have been sent is pending. Power loss before it returns
    leaves what was.
    """
    if change.phase > STORED:
        raise NotPossible
    packed = struct.pack(
        PACKED,
        request.uuid,
        request.stan,
        request.time,
        request.action,
        request.slot,
        request.reason,
        request.operator,
        (APPROVED if request.approved else 0) | (REPLACES if request.old_token else 0),
        request.old_token or bytes(8),
    )
    change.state.put(
        (
            (store.PENDING, packed),
            (store.PENDING_TLVS, request.tlvs),
            (store.PENDING_STATE, bytes((STORED,))),
        ),
        entry(request, audit.REQUEST + STORED, change.clock.now()),
    )
