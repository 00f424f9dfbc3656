"""What an event makes of the request under way: the table of the change's state machine.

What always holds: only the acquirer's word commits or drops. May import rooms, change, request and
storage.
"""

from micropython import const

from firmware import rooms
from firmware.binding.change import (
    HELD,
    IDLE,
    MALFORMED,
    NO_SUCH,
    REFUSED_BY_OWNER,
    REJECTED,
    REVIEW,
    SENT,
    STORED,
    STUCK,
    UNSETTLED,
    WITHDRAW,
    WITHDRAWN,
    NotPossible,
)
from firmware.binding.request import entry, pending
from firmware.storage import audit
from firmware.storage import state as store

# What becomes of a request beside the states that it may be in
COMMITS = const(5)  # the new binding is true
DROPPED = const(6)  # it is gone, a record of how it ended stays
FORGOTTEN = const(7)  # it is gone without a trace at the acquirer
NEVER = const(8)  # can't be done, or can't be so

# A row for each state, with what each event makes of it. Where that is the state itself, nothing
# is written. Nothing is sent before STORED is left, so no answer can be for a request in that
# state. docs/architecture.md shows the same table, and a test sees to it.
# fmt: off
TABLE = (
    # SEND    CANCEL     ACTIVE   REVIEWING REJECTED NO_SUCH UNSETTLED STUCK  SUPERSEDED WITHDRAWN
    (NEVER,  NEVER,     IDLE,    IDLE,     IDLE,    IDLE,   IDLE,     IDLE,   IDLE,    IDLE),
    (SENT,   FORGOTTEN, NEVER,   NEVER,    NEVER,   STORED, STORED,   STORED, NEVER,   NEVER),
    (SENT,   NEVER,     COMMITS, REVIEW,   DROPPED, SENT,   SENT,     HELD,   DROPPED, DROPPED),
    (REVIEW, NEVER,     COMMITS, REVIEW,   DROPPED, SENT,   REVIEW,   HELD,   DROPPED, DROPPED),
    (HELD,   NEVER,     COMMITS, REVIEW,   DROPPED, SENT,   HELD,     HELD,   DROPPED, DROPPED),
)
# fmt: on


def decide(change, event, outcome, notice, how):
    """Return the changes and the audit entry to be put when `event` has come to the request of
    `change`; None when nothing changes. Raises NotPossible.

    outcome: of the exchange that told, or None; its event becomes what it means after `how` was
    said. notice: see Change.settle.
    """
    if how == WITHDRAW:
        event = outcome.event = _of_withdrawal(event, outcome.code)
    elif event == NO_SUCH and notice and _is_malformed(change):
        return None  # the same would be said again: a person asks, or takes it back
    phase = change.phase
    becomes = TABLE[phase][event]
    if becomes == NEVER:
        raise NotPossible
    if becomes == phase:
        return None
    state, now = change.state, change.clock.now()
    request = pending(state)
    if becomes <= HELD:
        reason = outcome.code if event == STUCK else b""
        changes = ((store.PENDING_STATE, bytes((becomes,)) + reason),)
        return changes, entry(request, audit.REQUEST + becomes, now, outcome)
    changes = [(store.PENDING, None), (store.PENDING_STATE, None)]
    bound = store.PENDING_TLVS if request.tlvs else None  # of a reserve that is removed
    if becomes == COMMITS and (request.tlvs or None) != state.binding(request.slot):
        changes += state.binding_changes(request.slot, bound)
        if bound is None:
            changes.append((store.PENDING_TLVS, None))
    else:
        changes.append((store.PENDING_TLVS, None))
    if notice:
        changes.append((store.NOTICE, bytes((event,))))
    if outcome is not None:
        changes += state.change_record_changes(
            rooms.ask("firmware.binding.change_record", "compose", request, outcome, now)
        )
    return changes, entry(request, audit.ENDED + event, now, outcome)


def _of_withdrawal(event, code):
    # What an answer means when it was asked to take the request back. Of one that is unknown there
    # the counters have been overtaken: what is still on its way comes too late. A "no" to the
    # withdrawal itself says nothing of the request.
    if event == NO_SUCH or event == REJECTED and code == REFUSED_BY_OWNER:
        return WITHDRAWN
    return UNSETTLED if event == STUCK else event


def _is_malformed(change):
    # Whether the acquirer could not read the request itself. The other codes that hold one are
    # about terminal or merchant, and pass when somebody there has mended it.
    return change.phase == HELD and change.state.get(store.PENDING_STATE)[1:] == MALFORMED
