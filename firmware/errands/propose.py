"""Put a change on flash as the pending request, in the name of who is logged in."""

from firmware.access import roles
from firmware.binding.change import NotPossible
from firmware.binding.request import Request
from firmware.binding.storing import begin


async def run(desk, action, slot, reason, tlvs):
    """Store it; one that was stored and never sent gives way to it: what the slot had may have
    changed since. Raises NotPossible while one that may have been sent is pending, and for who
    enters no changes. Power loss before it ends leaves what was.
    """
    if not roles.is_operator(desk.operator):
        raise NotPossible
    old = desk.state.binding(slot)
    for waiting, theirs in desk.sync.differing:
        if waiting == slot and theirs is None:
            old = None  # unbound there; of another that came since nobody who approved was shown
    request = Request(
        desk.board.random(16),
        desk.state.next_stan(),
        desk.clock.now(),
        action,
        slot,
        reason,
        desk.operator,
        True,
        None if old is None else desk.identity.token(old),
        tlvs,
    )
    begin(desk.change, request)
    desk.sync.last_outcome = None  # that was of another
