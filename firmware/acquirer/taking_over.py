"""What the acquirer has bound to a slot becomes the terminal's, as somebody accepted it.

May import binding.model and storage.audit.
"""

from firmware.binding.model import masked
from firmware.storage import audit


def changes(sync, slot, tlvs, operator):
    """Return what is to be put for `tlvs` to be the binding of `slot`, in one record: see
    Sync.take_over. None when it is so already.
    """
    sync.differing = [waiting for waiting in sync.differing if waiting[0] != slot]
    if sync.state.binding(slot) == tlvs:
        return None  # accepted already: the backup stays what it is
    detail = "%d %s" % (slot, masked(tlvs))
    entry = audit.entry(audit.TAKEN, sync.clock.now(), operator, detail=detail.encode())
    return sync.state.binding_changes(slot, tlvs), entry
