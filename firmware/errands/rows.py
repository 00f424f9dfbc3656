"""What is proposed, as rows of (text key, words or a number as a buffer) for a page.

May import binding.model, legible, errands.draft.
"""

from firmware.binding import model
from firmware.binding.legible import legible
from firmware.errands import draft as drafts

_NUMBERS = (model.PAN, model.ACCOUNT, model.CNAPS)  # shown in fours


def of_draft(desk, fields):
    """Return the rows of a form's fields, errands called `field_…`, one each, in their order."""
    draft, text = desk.draft, desk.text
    rows = []
    for name in fields:
        label = "field." + name[6:]
        if name == "field_reason":
            value = text("reason.%d" % draft[drafts.REASON])
        elif name == "field_slot":
            value = _replaced(desk, draft[drafts.SLOT])
        elif name == "field_name":
            value = bytes(drafts.get(draft, model.NAME)).decode()
        elif name == "field_kind":
            value = text("kind.%d" % drafts.get(draft, model.KIND)[0])
        elif name == "field_licence":
            value = bytes(drafts.get(draft, model.LICENCE)).decode()
        elif name == "field_expiry":
            value = _as_on_card(drafts.get(draft, model.EXPIRY))
        elif name == "field_cnaps":
            value, bank = drafts.get(draft, model.CNAPS), drafts.get(draft, model.BANK)
            if bank:
                label, value = "field.bank", (bytes(value) + b" " + bytes(bank)).decode()
        else:
            value = drafts.get(draft, model.PAN if name == "field_card" else model.ACCOUNT)
        rows.append((label, value))
    return rows


def of_proposal(desk, slot, tlvs):
    """Return the rows of `tlvs` proposed for `slot`: what it has now, and every value, but for a
    licence that is the known one.
    """
    rows = [("field.slot", _replaced(desk, slot))]
    known = drafts.licence(desk)
    kind = model.field(tlvs, model.KIND)
    for tag in (
        model.PAN,
        model.ACCOUNT,
        model.EXPIRY,
        model.NAME,
        model.CNAPS,
        model.BANK,
        model.LICENCE,
    ):
        value = model.field(tlvs, tag)
        if value is None or tag == model.LICENCE and value == known:
            continue
        label = "field.%04X" % tag
        if tag == model.EXPIRY:
            value = _as_on_card(value)
        elif tag not in _NUMBERS:
            value = legible(value)
        if tag == model.NAME and kind is not None:
            label = "holder.%d" % kind[0]
        rows.append((label, value))
    return rows


def _replaced(desk, slot):
    # The slot, and what it has now, masked.
    tlvs = desk.state.binding(slot)
    if tlvs is None:
        return "%d: %s" % (slot, desk.text("slot.none"))
    return "%d: %s" % (slot, model.masked(tlvs))


def _as_on_card(expiry):
    digits = bytes(expiry).decode()
    return digits[2:] + "/" + digits[:2]
