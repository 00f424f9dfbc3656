"""What the acquirer has bound to a slot becomes the terminal's, as somebody accepted it.

May import binding.model and storage.audit.
"""

from firmware.binding.model import masked
from firmware.storage import audit


def take_over(sync, slot, tlvs, operator):
    """Make the acquirer's binding of `slot` ours; the old one stays as backup.

    operator: who accepted it, audit.NOBODY when the slot was empty. Power loss before it returns
    leaves what was.
    """
    state = sync.state
    sync.differing = [waiting for waiting in sync.differing if waiting[0] != slot]
    if state.binding(slot) == tlvs:
        return  # accepted already: the backup stays what it is
    detail = "%d %s" % (slot, masked(tlvs))
    entry = audit.entry(audit.TAKEN, sync.clock.now(), operator, detail=detail.encode())
    state.put(state.binding_changes(slot, tlvs), entry)
