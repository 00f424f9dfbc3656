"""What goes with a request and is never stored: a card's CVV2, the owner's one-time code.

What always holds: they are typed unseen, last of all, into bytearrays that are overwritten, here
when the person gives up or leaves, else by the sync.
"""

from firmware.acquirer.profile import WANTS_CVV2
from firmware.binding.change import CODE, CVV2
from firmware.crypto.wipe import wipe


async def run(desk, title, of_card):
    """Ask for them, for CVV2 where the acquirer wants it with a card. Returns the secrets for
    sync.keep, or None when given up.
    """
    digits = desk.pages.digits
    wants_cvv2 = of_card and desk.sync.policy & WANTS_CVV2
    cvv2 = code = None
    try:
        while True:
            if wants_cvv2:
                cvv2 = await digits(title, "approve.cvv2", 3, 4, b"", True)
                if cvv2 is None:
                    return None
            code = await digits(title, "approve.code", 6, 6, b"", True)
            if code is not None:
                return ((CVV2, cvv2), (CODE, code)) if wants_cvv2 else ((CODE, code),)
            if not wants_cvv2:
                return None
            wipe(cvv2)
    finally:
        if code is None and cvv2 is not None:
            wipe(cvv2)
