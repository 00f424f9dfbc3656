"""Say what became of the pending request, and what to do next."""

from micropython import const

from firmware.binding import change

_GOOD_MS = const(80)  # how the buzzer sounds
_BAD_MS = const(500)


async def run(desk, title, outcome, trouble):
    """Show the Outcome, or what was in the way when there is none. Returns the code of a
    refusal, so that what was typed can be mended, else None; after a success the person is logged
    out.
    """
    text, pages = desk.text, desk.pages
    if outcome is None:
        await pages.message(title, text("link.%d" % trouble) + "\n" + text(_kept(desk)), True)
    elif outcome.event == change.REJECTED:
        await desk.board.beep(_BAD_MS)
        await pages.message("result.refused", explained(desk, outcome), True)
        return outcome.code
    elif outcome.event == change.ACTIVE:
        await desk.board.beep(_GOOD_MS)
        await pages.message("result.accepted", explained(desk, outcome), True)
        await pages.message("result.accepted", text("result.log_in_again"), True)
        desk.log_out()
    elif outcome.event == change.SUPERSEDED:
        await pages.message("result.superseded", explained(desk, outcome), True)
    elif outcome.event == change.REVIEWING:
        await pages.message("result.review", explained(desk, outcome), True)
    else:
        trouble = outcome.trouble
        body = text("link.%d" % trouble) if trouble else explained(desk, outcome)
        await pages.message(title, body + "\n" + text(_kept(desk)), True)
    return None


def explained(desk, outcome):
    """Return what an outcome means and what to do next."""
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
