"""The change records kept on the terminal: when, which number, how it ended, under which
reference.
"""

from firmware.binding import change
from firmware.binding.change_record import ChangeRecord
from firmware.binding.legible import legible
from firmware.errands import after, reasons
from firmware.errands.moment import moment
from firmware.storage import state as store
from firmware.ui.keys import BACK

_TITLE = "change_records.title"


async def run(desk):
    """List the records, newest first, and show the one chosen."""
    if desk.state.get(store.NOTICE) is not None:
        desk.state.put(((store.NOTICE, None),))
    records = [ChangeRecord(stored) for stored in desk.state.change_records()]
    if not records:
        await desk.pages.message(_TITLE, desk.text("change_records.none"), True)
        return
    items = [moment(desk, record.time) + " " + record.number[-5:] for record in records]
    at = 0
    while True:
        at = await desk.pages.menu(_TITLE, items, at)
        if at == BACK:
            return
        await desk.pages.message(_TITLE, describe(desk, records[at]), True)


def describe(desk, record):
    """Return a record in words; how it ended comes from the event, the code is only the reason."""
    text = desk.text
    lines = [
        text("change_record.ended.%d" % record.event),
        record.number,
        moment(desk, record.time),
        text("field.reason") + " " + text("reason.%d" % record.reason),
        text("change_record.operator") + " " + legible(record.operator),
        text("result.application") + record.application,
        text("change_record.reference") + legible(record.reference).strip(),
    ]
    if record.event == change.REJECTED:
        lines.insert(1, reasons.words(text, record.code))
    if record.note:
        lines.append(record.note)
    if record.event == change.REJECTED:
        lines.append(after.advice(desk, record.code, record.kind))
    return "\n".join(lines)
