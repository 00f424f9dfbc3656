"""What the terminal pays out to: each bound slot with its check token, masked, and its backup."""

from firmware.binding import model
from firmware.binding.legible import legible
from firmware.storage import state as store

_TITLE = "bindings.title"


async def run(desk):
    """Show the current binding of every bound slot, and whether the acquirer's is another one,
    then the one before it.
    """
    found = False
    for slot in range(1, store.SLOTS + 1):
        current = desk.state.binding(slot)
        if current is not None:
            found = True
            body = describe(desk, current)
            for at, theirs in desk.sync.differing:
                if at == slot:
                    key = "idle.differs" if theirs else "take_over.faulty"
                    if theirs is None:
                        key = "take_over.unbound"
                    body = desk.text(key) + "\n" + body
            await desk.pages.message(_TITLE, body, True)
            backup = desk.state.backup(slot)
            if backup is not None:
                await desk.pages.message("bindings.backup", describe(desk, backup), True)
    if not found:
        await desk.pages.message(_TITLE, desk.text("bindings.none"), True)


def describe(desk, tlvs):
    """Return a binding in words: number masked, holder, and the token both sides compare."""
    token = "".join("%02X" % byte for byte in desk.identity.token(tlvs))
    name = model.field(tlvs, model.NAME) or b""
    return "\n".join((model.masked(tlvs), legible(name), token))
