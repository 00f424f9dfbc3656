"""See the pending request through: send it, show what is happening, say what became of it."""

import asyncio

from micropython import const

from firmware.binding import change
from firmware.binding.change import NoAnswer
from firmware.binding.model import Request

_TRIES = const(4)  # in front of the merchant; after that the terminal keeps asking by itself
_PAUSE_S = const(2)
_GOOD_MS = const(80)  # how the buzzer sounds
_BAD_MS = const(500)


async def run(desk, title, secrets=None, proposal=None):
    """Ask about the pending request until it is settled or the tries are used up; show the result.

    proposal: (action, slot, reason, TLVs) to be stored as the pending request first. secrets:
    change.Secrets to go with it; they are the sync's from here on, which wipes them. Returns False
    after a refusal, so that what was typed can be mended. What can't be settled now stays pending;
    power loss at any point resumes it at the next start.
    """
    if proposal is not None:
        _begin(desk, *proposal)
    if secrets is not None:
        desk.sync.keep(secrets)
    outcome, trouble = await desk.pages.working(_ask(desk, title))
    text, pages = desk.text, desk.pages
    if desk.change.phase == change.SENT:
        desk.sync.wake()  # while the one-time code is still of use
    if outcome is None:
        await pages.message(title, text("link.%d" % trouble) + "\n" + text(_kept(desk)), True)
    elif outcome.event == change.REJECTED:
        await desk.board.beep(_BAD_MS)
        await pages.message("result.refused", _words(desk, outcome), True)
        return False
    elif outcome.event == change.ACTIVE:
        await desk.board.beep(_GOOD_MS)
        await pages.message("result.accepted", _words(desk, outcome), True)
        await pages.message("result.accepted", text("result.log_in_again"), True)
        desk.log_out()
    elif outcome.event == change.SUPERSEDED:
        await pages.message("result.superseded", _words(desk, outcome), True)
    elif outcome.event == change.REVIEWING:
        await pages.message("result.review", _words(desk, outcome), True)
    else:
        trouble = outcome.trouble
        body = text("link.%d" % trouble) if trouble else _words(desk, outcome)
        await pages.message(title, body + "\n" + text(_kept(desk)), True)
    return True


def _begin(desk, action, slot, reason, tlvs):
    # From here on the request is on flash, in the name of who is logged in.
    old = desk.state.binding(slot)
    desk.change.begin(
        Request(
            desk.board.random(16),
            desk.state.next_stan(),
            desk.clock.now(),
            action,
            slot,
            reason,
            desk.operator,
            desk.operator != b"00",
            None if old is None else desk.identity.token(old),
            tlvs,
        )
    )


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


def _words(desk, outcome):
    # What an outcome means and what to do next.
    text = desk.text
    code = desk.answer(outcome.code)
    lines = [text("answer." + code)]
    if outcome.fault_tag:
        lines.append(text("result.field") + _field(text, outcome.fault_tag))
    if outcome.note:
        lines.append(outcome.note)
    if outcome.application:
        lines.append(text("result.application") + outcome.application)
    advice = text("advice." + code)
    if advice:
        lines.append(advice)
    return "\n".join(lines)


def _kept(desk):
    # The text key of what happens next to a request that is not settled.
    if desk.change.phase == change.STORED:
        return "submit.kept"
    return "submit.held" if desk.change.phase == change.HELD else "submit.pending"


def _field(text, tag):
    try:
        return text("field.%04X" % tag)
    except KeyError:
        return text("field.other")
