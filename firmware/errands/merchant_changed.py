"""The acquirer has given another merchant number: the supervisor sees both, once."""

from micropython import const

from firmware.storage import state as store

_LEN = const(15)


async def run(desk):
    """Show the number before and the one now; once it was read the idle page stops saying so.
    Power loss before that leaves it to be shown again.
    """
    before = (desk.state.get(store.MERCHANT) or b"")[_LEN:].decode()
    text, now = desk.text, desk.identity.merchant.decode()
    lines = (text("merchant.before"), before, text("merchant.now"), now, text("merchant.changes"))
    if await desk.pages.message("merchant.title", "\n".join(lines)):
        desk.state.put(((store.MERCHANT_NEW, None),))
