"""What an event does to the request under way: the table of the change's state machine.

What always holds: only the acquirer's word commits or drops. In memory only while it decides. May
import rooms, change, request and storage.
"""

from micropython import const

from firmware import rooms
from firmware.binding.change import (
    HELD,
    NO_SUCH,
    REJECTED,
    STUCK,
    UNSETTLED,
    WITHDRAW,
    WITHDRAWN,
    NotPossible,
)
from firmware.binding.request import entry, pending
from firmware.storage import audit
from firmware.storage import state as keys

# Actions
NOTHING = const(0)
KEEP = const(1)  # store the new state
COMMIT = const(2)  # the new binding is true
DROP = const(3)  # the request is gone, a record of how it ended stays
FORGET = const(4)  # the request is gone without a trace at the acquirer
REFUSE = const(5)  # can't be done in this state

# A byte for each state and event: the next state and the action, a hexadecimal digit each.
# Nothing is sent before STORED is left, so no answer can be for a request in that state.
_EVENTS = const(10)
_TABLE = (
    # SEND CANCEL ACTIVE REVIEWING REJECTED NO_SUCH UNSETTLED STUCK SUPERSEDED WITHDRAWN
    b"\x05\x05\x00\x00\x00\x00\x00\x00\x00\x00"  # IDLE
    b"\x21\x04\x15\x15\x15\x10\x10\x10\x15\x15"  # STORED
    b"\x20\x25\x02\x31\x03\x20\x20\x41\x03\x03"  # SENT
    b"\x30\x35\x02\x30\x03\x21\x30\x41\x03\x03"  # REVIEW
    b"\x40\x45\x02\x31\x03\x21\x40\x40\x03\x03"  # HELD
)


def run(change, event, outcome, notice, how):
    """Return the changes and the audit entry to be put when `event` has come to the request of
    `change`; None when nothing changes. Raises NotPossible.

    outcome: of the exchange that told, or None; its event becomes what it means after `how` was
    said. notice: see Change.settle.
    """
    if how == WITHDRAW:
        event = outcome.event = _of_withdrawal(event, outcome.code)
    elif event == NO_SUCH and notice and _is_malformed(change):
        return None  # the same would be said again: a person asks, or takes it back
    step = _TABLE[change.phase * _EVENTS + event]
    phase, action = step >> 4, step & 15
    if action == REFUSE:
        raise NotPossible
    if action == NOTHING:
        return None
    state, now = change.state, change.clock.now()
    request = pending(state)
    if action == KEEP:
        reason = outcome.code if event == STUCK else b""
        changes = ((keys.PENDING_STATE, bytes((phase,)) + reason),)
        return changes, entry(request, audit.REQUEST + phase, now, outcome)
    changes = [(keys.PENDING, None), (keys.PENDING_STATE, None)]
    becomes = keys.PENDING_TLVS if request.tlvs else None  # of a reserve that is removed
    if action == COMMIT and (request.tlvs or None) != state.binding(request.slot):
        changes += state.binding_changes(request.slot, becomes)
        if becomes is None:
            changes.append((keys.PENDING_TLVS, None))
    else:
        changes.append((keys.PENDING_TLVS, None))
    if notice:
        changes.append((keys.NOTICE, bytes((event,))))
    if outcome is not None:
        changes += state.record_changes(
            rooms.ask("firmware.binding.record", "run", request, outcome, now)
        )
    return changes, entry(request, audit.ENDED + event, now, outcome)


def _of_withdrawal(event, code):
    # What an answer means when it was asked to take the request back. Of one that is unknown there
    # the counters have been overtaken: what is still on its way comes too late. A "no" to the
    # withdrawal itself says nothing of the request.
    if event == NO_SUCH or event == REJECTED and code == b"59":
        return WITHDRAWN
    return UNSETTLED if event == STUCK else event


def _is_malformed(change):
    # Whether the acquirer could not read the request itself. The other codes that hold one are
    # about terminal or merchant, and pass when somebody there has mended it.
    return change.phase == HELD and change.state.get(keys.PENDING_STATE)[1:] == b"30"
