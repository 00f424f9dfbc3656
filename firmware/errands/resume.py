"""A form that was left half filled in: ask whether to go on where it was."""


async def run(desk, title):
    """Return True to go on with the draft at the desk, None when it was thrown away, False when
    there is none of who is logged in.
    """
    draft = desk.draft
    if draft is None or draft[:2] != desk.operator:
        return False
    if await desk.pages.message(title, desk.text("change.resume")):
        return True
    desk.drop_draft()
    return None
