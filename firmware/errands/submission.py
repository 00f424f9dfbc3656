"""See the pending request through: send it, show what is happening, say what became of it.

In memory for as long as the acquirer is talked to, so what comes before and after is not in here.
"""

import asyncio

from micropython import const

from firmware.binding import change
from firmware.binding.change import NoAnswer, Outcome
from firmware.errands import after

_TRIES = const(4)  # in front of the merchant; after that the terminal keeps asking by itself
_PAUSE_S = const(2)


async def run(desk, title, back=None, approved=None, withdraw=None):
    """Ask about the pending request until it is settled or the tries are used up; show the result.

    back: (errand, what it is given) that led here and mends what is refused; it is given where to
    as well, see after.leads_to, and `approved`, see approval. None: nobody does. withdraw: the
    operator for whom it is to be taken back, once supervisor 00 has approved that. Returns the
    errand that is next and what it is given, None for none. What can't be settled now stays
    pending; power loss at any point resumes it at the next start.
    """
    try:
        outcome = await desk.pages.working(_ask(desk, title, withdraw))
        if desk.change.phase == change.SENT:
            desk.sync.wake()  # while the one-time code is still of use
        to = await desk.open("outcome", outcome)
    except MemoryError:
        if desk.change.phase == change.IDLE:  # not to be tried again
            desk.ended = desk.sync.last_outcome.event
        raise
    if to == after.OWNER:
        return "waiting", (back,)
    return (back[0], back[1] + (to, approved)) if back and to else None


async def _ask(desk, title, withdraw):
    # Return the Outcome of the last try: what earlier ones came to is no longer so.
    word = "submit.withdrawing"
    if not withdraw:
        word = "submit.sending" if desk.change.phase == change.STORED else "submit.asking"
    for attempt in range(_TRIES):
        desk.pages.busy(title, desk.text(word), attempt, _TRIES)
        word = "submit.again"
        try:
            outcome = await desk.sync.settle(withdraw)
        except NoAnswer as error:
            outcome = Outcome()
            outcome.trouble = error.code
        if desk.change.phase == change.IDLE:
            return desk.sync.last_outcome  # settled, also while somebody waited for the line
        if outcome.event not in (change.UNSETTLED, change.NO_SUCH):
            break
        if outcome.trouble == change.NO_CODE or withdraw and outcome.code != change.NO_ANSWER:
            break
        if attempt < _TRIES - 1:
            await asyncio.sleep(_PAUSE_S << attempt)
    return outcome
