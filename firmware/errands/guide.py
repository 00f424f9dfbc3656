"""A guided change, from the preparation page to what is approved; after a refusal its form.

It says what is next and ends, as does what led here.
"""

from firmware.binding import change
from firmware.errands import after


async def lead(desk, guide, title, action, slot, fields, to, approved):
    """Lead from the preparation page over the form's `fields` to what is to be approved; see
    `form` for what it is given. What was typed stays at the desk until it is in effect.

    guide: the errand that asks. to: where to in the form, see after.leads_to, once there has been
    the preparation; 0 to begin. approved: see approval. Returns the errand that is next and what
    it is given, None for none.
    """
    if desk.change.phase != change.IDLE:
        return "pending", ()
    if not to:
        to = await desk.open("resume", title, action)
        if to is None:
            return None
        return "preparation", (title, slot, to, (guide, (slot, to or after.FORM)))
    while to != change.CODE or desk.draft is None:  # of a draft the code alone may be wanting
        filled = await desk.open("form", title, action, slot, fields, to)
        if filled is None:
            return None
        to = change.CODE
        if isinstance(filled, str):
            await desk.open(filled)
            to = after.FORM
    return "approval", (title, None, (guide, (slot,)), to, approved)
