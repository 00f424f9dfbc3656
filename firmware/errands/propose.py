"""Put a change on flash as the pending request, in the name of who is logged in."""

from firmware.binding.request import Request, begin


async def run(desk, action, slot, reason, tlvs):
    """Store it. Raises NotPossible while another is pending. Power loss before it ends leaves
    none.
    """
    old = desk.state.binding(slot)
    request = Request(
        desk.board.random(16),
        desk.state.next_stan(),
        desk.clock.now(),
        action,
        slot,
        reason,
        desk.operator,
        desk.operator != b"00",
        None if old is None else desk.identity.token(old),
        tlvs,
    )
    begin(desk.change, request)
