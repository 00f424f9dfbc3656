"""See the pending request through: send it, show what is happening, say what became of it.

In memory for as long as the acquirer is talked to, so what comes before and after is not in here.
"""

import asyncio

from micropython import const

from firmware.binding import change
from firmware.binding.change import NoAnswer

_TRIES = const(4)  # in front of the merchant; after that the terminal keeps asking by itself
_PAUSE_S = const(2)


async def run(desk, title, secrets=None, proposal=None):
    """Ask about the pending request until it is settled or the tries are used up; show the result.

    proposal: (action, slot, reason, TLVs) to be stored as the pending request first. secrets: as
    in binding.change, to go with it; they are the sync's from here on, which wipes them. Returns
    the code of a refusal (2 bytes), so that what was typed can be mended, else None. What can't be
    settled now stays pending; power loss at any point resumes it at the next start.
    """
    if proposal is not None:
        await desk.open("propose", *proposal)
    if secrets is not None:
        desk.sync.keep(secrets)
    outcome, trouble = await desk.pages.working(_ask(desk, title))
    if desk.change.phase == change.SENT:
        desk.sync.wake()  # while the one-time code is still of use
    return await desk.open("outcome", title, outcome, trouble)


async def _ask(desk, title):
    # The last Outcome, None when the acquirer was not in reach, and what was in the way.
    outcome = None
    trouble = 0
    for attempt in range(_TRIES):
        word = "submit.sending" if attempt == 0 else "submit.again"
        desk.pages.busy(title, desk.text(word), attempt, _TRIES)
        try:
            outcome = await desk.sync.settle()
        except NoAnswer as error:
            trouble = error.code
            if trouble == change.NO_CODE:
                break
            if desk.change.phase == change.IDLE:
                outcome = desk.sync.last_outcome  # settled while somebody waited for the line
                break
        else:
            if outcome.event not in (change.UNSETTLED, change.NO_SUCH):
                break
        if attempt < _TRIES - 1:
            await asyncio.sleep(_PAUSE_S << attempt)
    return outcome, trouble
