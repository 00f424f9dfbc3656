"""The request under way: what it is waiting for, ask again now, send it, or give it up."""

from firmware.binding import change, model
from firmware.binding.request import pending
from firmware.ui.keys import BACK

_TITLE = "pending.title"


async def run(desk):
    """Show the pending request and let the person act on it. Power loss changes nothing."""
    request = pending(desk.state)
    if request is None:
        await desk.pages.message(_TITLE, desk.text("pending.none"), True)
        return
    number = model.truncated(model.number(request.tlvs) or b"")
    body = desk.text("pending.phase.%d" % desk.change.phase) + "\n" + number
    outcome = desk.sync.last_outcome
    if desk.change.phase == change.HELD and outcome is not None:
        code = desk.answer(outcome.code)
        body += "\n" + desk.text("answer." + code) + "\n" + desk.text("advice." + code)
    await desk.pages.message(_TITLE, body, True)
    if desk.change.phase == change.STORED:
        await _unsent(desk)
    elif await desk.pages.message(_TITLE, desk.text("pending.ask_now")):
        await desk.open("submission", _TITLE)


async def _unsent(desk):
    # Never sent: it may go now, with a fresh one-time code, or be given up.
    items = [desk.text("pending.send"), desk.text("pending.cancel")]
    at = await desk.pages.menu(_TITLE, items)
    if at == BACK:
        return
    if at == 1:
        desk.change.cancel()
        desk.sync.forget()
        await desk.pages.message(_TITLE, desk.text("pending.cancelled"), True)
        return
    if not await desk.open("preparation", _TITLE, True):
        return
    secrets = await desk.open("approval", _TITLE)
    if secrets is not None:
        await desk.open("submission", _TITLE, secrets)
