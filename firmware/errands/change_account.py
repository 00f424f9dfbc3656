"""Change a bound settlement account: prepare, enter, review, approve, submit, keep the record.

What the merchant has typed stays in the draft at the desk until it is in effect, so that a
refusal, also one that comes later, costs no second typing. Nothing is stored before it is
submitted: power loss until then leaves everything as it was.
"""

from firmware.binding import model
from firmware.errands import guide

_TITLE = "change.title"
_FIELDS = (
    "field_reason",
    "field_name",
    "field_kind",
    "field_account",
    "field_cnaps",
    "field_licence",
)


def run(desk, slot=1, to=0, approved=None):
    """Lead the merchant from the preparation page to what is approved. to, approved: see guide."""
    return guide.lead(
        desk, "change_account", _TITLE, model.CHANGE_ACCOUNT, slot, _FIELDS, to, approved
    )
