"""An account's number, typed twice, since it has no check digit, or from a card."""

from firmware import rooms
from firmware.binding import model, rules
from firmware.crypto.wipe import wipe
from firmware.errands import draft as drafts


async def run(desk, title):
    """Ask for DF31."""
    draft, pages = desk.draft, desk.pages

    def swiped():
        return desk.open("swipe")

    before = drafts.get(draft, model.ACCOUNT)
    first = bytearray()
    try:
        while True:
            wipe(first)
            view = drafts.typing(draft, model.ACCOUNT, before, rules.ACCOUNT_MAX)
            first = await pages.digits(
                title, "field.account", 1, rules.ACCOUNT_MAX, view, check=_fault, card=swiped
            )
            drafts.typed(draft)
            if first is None:
                first = bytearray()
                return 0
            drafts.typing(draft, model.ACCOUNT, first, 0)  # were nobody here to repeat it

            def same(buf, first=first):
                return None if buf == first else "rule.%d" % rules.ACCOUNT_DIFFERS

            again = await pages.digits(
                title, "field.account_again", 1, rules.ACCOUNT_MAX, check=same, card=swiped
            )
            if again is not None:
                drafts.put(draft, model.ACCOUNT, again)
                wipe(again)
                drafts.typed(draft)
                return 1
    finally:
        wipe(first)


def _fault(buf):
    code = rooms.ask("firmware.binding.rules", "account", buf)
    return "rule.%d" % code if code else None
