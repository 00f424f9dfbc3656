"""A form: its fields asked for in turn, each by a part of its own, then one page to check them,
with a way back to each.

What is wrong is said at the field, and what was typed stays: in the draft at the desk, also when
the terminal is left alone or has no room, until it is submitted or given up. A field is asked for
by the errand `field_…` that it is called by: given the title, it returns how many fields to go on
by, 0 to go back, or the name of an errand that talks to the acquirer: it is run with the form out
of memory, which then goes on.
"""

from firmware import rooms
from firmware.binding import model
from firmware.errands import draft as drafts
from firmware.ui.keys import BACK, SUBMIT

_TAGS = {
    "field_name": model.NAME,
    "field_kind": model.KIND,
    "field_account": model.ACCOUNT,
    "field_cnaps": model.CNAPS,
    "field_licence": model.LICENCE,
    "field_card": model.PAN,
    "field_expiry": model.EXPIRY,
}


async def run(desk, title, action, slot, fields, mending):
    """Fill in the draft at the desk, begun if there is none, and have it checked.

    fields: their names, in the order in which they are asked for; the licence is left out where it
    is known, and the slot where one is given (0 for none). mending: the tag of what was refused,
    which is asked for first where it is a field of this form. Returns True when the draft is to be
    submitted, the name of an errand to be run before this goes on, None when the merchant gives
    up: the draft is gone then.
    """
    draft = desk.draft or drafts.begin(desk, action, slot)
    known = drafts.licence(desk)
    if known is not None:
        drafts.put(draft, model.LICENCE, known)
    left_out = "field_licence" if known else "", "field_slot" if slot else ""
    fields = [name for name in fields if name not in left_out]
    at, row = _empty(draft, fields), 0
    chosen = [name for name in fields if at == len(fields) and _TAGS.get(name) == mending]
    known = None
    while True:
        if at < len(fields):
            on = await desk.open(fields[at], title)
            if isinstance(on, str):
                return on
            at += on or -1
            if at < 0:
                break
            continue
        if not chosen:
            row = await desk.pages.review(
                title, rooms.ask("firmware.errands.rows", "of_draft", desk, fields), row
            )
            if row == SUBMIT:
                return True
            if row == BACK:
                if await desk.pages.message(title, desk.text("change.abandon")):
                    break
                row = 0
                continue
            chosen.append(fields[row])
        on = await desk.open(chosen.pop(), title)
        if isinstance(on, str):
            return on
        at = _empty(draft, fields)  # where another card has brought none, its expiry again
    drafts.forget(desk)
    return None


def _empty(draft, fields):
    # The first of them that is empty, how many there are when none is.
    at = 0
    while at < len(fields) and _filled(draft, fields[at]):
        at += 1
    return at


def _filled(draft, name):
    if name == "field_reason":
        return draft[drafts.REASON]
    if name == "field_slot":
        return draft[drafts.SLOT]
    return len(drafts.get(draft, _TAGS[name]))
