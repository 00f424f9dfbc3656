"""The last page of a form: everything that was entered, a way back to each field, or on.

In memory only while it is shown, but for the field that is mended.
"""

from firmware.errands import rows
from firmware.ui.keys import BACK, SUBMIT


async def run(desk, title, fields):
    """Show all `fields` of the draft at the desk, and have those mended that are chosen. Returns
    SUBMIT, BACK to give all of it up, or the name of an errand that a field wants, see `form`.
    """
    at = 0
    while True:
        at = await desk.pages.review(title, rows.of_draft(desk, fields), at)
        if at == SUBMIT:
            return SUBMIT
        if at == BACK:
            if await desk.pages.message(title, desk.text("change.abandon")):
                return BACK
            at = 0
        else:
            on = await desk.open(fields[at], title)
            if isinstance(on, str):
                return on
