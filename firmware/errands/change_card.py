"""Change a bound bank card: why, which one, the new card and its holder, review, identity, submit,
keep the record.

What always holds, and what power loss leaves: as in change_account. A card's CVV2 is asked for
last, so that it is nowhere but on its way.
"""

from firmware.binding import model
from firmware.errands import guide

_TITLE = "card.title"
_FIELDS = (
    "field_reason",
    "field_slot",
    "field_card",
    "field_expiry",
    "field_name",
    "field_licence",
)


def run(desk, slot=0, to=0, approved=None):
    """Lead the merchant from the preparation page to what is approved. slot: 0 for one that is
    chosen of all; to, approved: see guide.
    """
    return guide.lead(desk, "change_card", _TITLE, model.CHANGE_CARD, slot, _FIELDS, to, approved)
