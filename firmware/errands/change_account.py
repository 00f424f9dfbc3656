"""Change the bound settlement account: prepare, enter, review, approve, submit, keep the record.

What the merchant has typed stays in the draft at the desk until it is in effect, so that a
refusal, also one that comes later, costs no second typing. Nothing is stored before it is
submitted: power loss until then leaves everything as it was.
"""

from micropython import const

from firmware.binding import change, model

_TITLE = "change.title"
_SLOT = const(1)
_WRONG_CODE = b"55"


async def run(desk):
    """Lead the merchant from the preparation page to the acquirer's answer."""
    if desk.change.phase != change.IDLE:
        await desk.open("pending")
        return
    resumed = await desk.open("resume", _TITLE, _SLOT)
    if resumed is None or not await desk.open("preparation", _TITLE, _SLOT, resumed):
        return
    approved = [0, None]
    while True:
        proposal = await desk.open("account_form", _TITLE, _SLOT)
        if proposal is None:
            return
        if isinstance(proposal, str):
            await desk.open(proposal)  # with the form out of memory, which goes on afterwards
            continue
        code = _WRONG_CODE
        while code == _WRONG_CODE:  # only the code is asked for again
            secrets = await desk.open("approval", _TITLE, approved, proposal)
            if secrets is None:
                break
            code = await desk.open(
                "submission", _TITLE, secrets, (model.CHANGE_ACCOUNT, _SLOT) + proposal
            )
        if code is None:
            return
