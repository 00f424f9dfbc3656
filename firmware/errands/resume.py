"""A form that was left, or submitted and refused since: ask whether to go on where it was."""

from firmware.binding import change
from firmware.crypto.wipe import wipe
from firmware.errands import after
from firmware.errands import draft as drafts


async def run(desk, title, action):
    """Return where to go on with the draft at the desk (see after.leads_to, FORM when nothing of
    it was refused), None when it was thrown away, NOWHERE when there is none of who is logged in
    that does `action`.
    """
    draft = desk.draft
    if draft is None or draft[:2] != desk.operator or draft[drafts.ACTION] != action:
        drafts.forget(desk)
        return after.NOWHERE
    slot = draft[drafts.SLOT]
    composed = drafts.compose(draft)
    is_bound = slot and composed == desk.state.binding(slot)
    wipe(composed)
    if is_bound:
        await desk.pages.message(title, desk.text("told.accepted"), True)  # while nobody looked
    elif await desk.pages.message(title, desk.text("change.resume")):
        last = desk.sync.last_outcome
        to = last is not None and after.leads_to(last)
        return after.FORM if to in (after.NOWHERE, change.CODE) else to
    drafts.forget(desk)
    return None
