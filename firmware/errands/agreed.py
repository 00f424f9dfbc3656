"""Before a slot is changed: what was changed elsewhere in it has to be accepted first."""


async def run(desk, slot):
    """Have that done; return False while it still differs."""
    if _differs(desk, slot):
        await desk.open("take_over", slot)
    return not _differs(desk, slot)


def _differs(desk, slot):
    # A slot that the acquirer has unbound is free for a new binding.
    return [1 for at, theirs in desk.sync.differing if at == slot and theirs is not None]
