"""Who stands behind a change: operator's password again, supervisor's approval, owner's one-time
code.
"""

from firmware.access.operators import SUPERVISOR
from firmware.crypto.wipe import wipe
from firmware.ui import entry


class Secrets:
    """What goes with a request and is never stored: the owner's one-time code, a card's CVV2."""

    def __init__(self, code):
        self.code = code
        self.cvv2 = None

    def wipe(self):
        """Overwrite both."""
        for secret in (self.code, self.cvv2):
            if secret is not None:
                wipe(secret)
        self.code = self.cvv2 = None


async def run(desk, title):
    """Ask all three in turn. Returns Secrets, which the caller wipes, or None when given up."""
    if not await desk.prove(desk.operator, title):
        return None
    if desk.operator != SUPERVISOR:
        await desk.pages.message(title, desk.text("approve.supervisor"), True)
        if not await desk.prove(SUPERVISOR, title):
            return None
    return await one_time_code(desk, title)


async def one_time_code(desk, title):
    """Ask for the six digits on the owner's phone. Returns Secrets or None."""
    code = await entry.digits(desk.pages, title, "approve.code", 6, 6)
    return None if code is None else Secrets(code)
