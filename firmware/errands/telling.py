"""What people are told of a request: one table, by event and by the state that follows it.

What always holds: the event alone says what happened; a response code only adds the reason. The
list of records and the idle page say it shorter, under `record.ended.<event>` and
`idle.ended.<event>`, the page of the request under `pending.phase.<state>`. `after` is in memory
only where there is something to do. May import rooms, binding, acquirer.profile, reasons.
"""

from micropython import const

from firmware import rooms
from firmware.acquirer import profile
from firmware.binding import change, model
from firmware.errands import reasons

GOOD_MS = const(80)  # how the buzzer sounds
BAD_MS = const(500)

# event: title, what it means ("": the reason says it), sound in ms
_EVENTS = (
    ("result.unknown", "", 0),  # SEND
    ("result.withdrawn", "pending.cancelled", 0),  # CANCEL
    ("result.accepted", "told.accepted", GOOD_MS),  # ACTIVE
    ("result.review", "", 0),  # REVIEWING: the state says it
    ("result.refused", "", BAD_MS),  # REJECTED
    ("result.unknown", "told.no_such", 0),  # NO_SUCH
    ("result.unknown", "", 0),  # UNSETTLED
    ("result.held", "", BAD_MS),  # STUCK
    ("result.superseded", "told.superseded", BAD_MS),  # SUPERSEDED
    ("result.withdrawn", "told.withdrawn", GOOD_MS),  # WITHDRAWN
)
# What becomes of the request, in the state that follows
_STATES = ("", "submit.kept", "submit.pending", "submit.review", "submit.held")


def row(event, phase):
    """Return title and sound (ms, 0: none) for `event` when the request is in the state `phase`
    after it.
    """
    title, _, sound = _EVENTS[event]
    if phase == change.STORED:
        title = "result.unsent"
    return title, sound


def words(desk, outcome, phase):
    """Return what an outcome means, why, and what happens next or is to be done."""
    text, event = desk.text, outcome.event
    lines = []
    if _EVENTS[event][1]:
        lines.append(text(_EVENTS[event][1]))
    why = because(desk, outcome)
    if why:
        lines.append(why)
    if event == change.REJECTED and outcome.fault_tag:
        lines.append(text("result.field") + _field(text, outcome.fault_tag))
    if outcome.note:
        lines.append(outcome.note)
    if event == change.REVIEWING:
        hold = rooms.ask("firmware.errands.after", "hold", desk, outcome)
        if hold:
            lines.append(hold)
    if outcome.application:
        lines.append(text("result.application") + outcome.application)
    if event in (change.REJECTED, change.STUCK):
        told = outcome.code, outcome.kind, outcome.fault_tag, outcome.effective
        lines.append(rooms.ask("firmware.errands.after", "advice", desk, *told))
    if _STATES[phase]:
        lines.append(text(_STATES[phase]))
    return "\n".join(lines)


def because(desk, outcome):
    """Return why it is so, in words: the response code, or what was in the way; "" where the event
    says it all.
    """
    if outcome.event not in (change.REJECTED, change.UNSETTLED, change.STUCK):
        return ""
    if outcome.lost():
        return desk.text("link.%d" % outcome.trouble)
    if outcome.code == profile.APPROVED:
        return desk.text("link.0")  # a yes without what makes it one
    return reasons.words(desk.text, outcome.code)


def _field(text, tag):
    # The field of the form that a DF41 names.
    if model.NAME <= tag <= change.CVV2 or tag == change.CODE:
        return text("field.%04X" % tag)
    return text("field.other")
