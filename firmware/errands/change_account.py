"""Change the bound settlement account: prepare, enter, review, approve, submit, keep the record.

What the merchant has typed stays until the errand ends, also after a refusal. Nothing is stored
before it is submitted: power loss until then leaves everything as it was.
"""

from micropython import const

from firmware.binding import change, model

_TITLE = "change.title"
_SLOT = const(1)


async def run(desk):
    """Lead the merchant from the preparation page to the acquirer's answer."""
    if desk.change.phase != change.IDLE:
        await desk.open("pending")
        return
    if not await desk.open("preparation", _TITLE, _SLOT):
        return
    fields = {}
    while True:
        filled_in = await desk.open("account_form", _TITLE, _SLOT, fields)
        if filled_in is None:
            return
        secrets = await desk.open("approval", _TITLE)
        if secrets is None:
            continue
        proposal = (model.CHANGE_ACCOUNT, _SLOT) + filled_in
        if await desk.open("submission", _TITLE, secrets, proposal):
            return
