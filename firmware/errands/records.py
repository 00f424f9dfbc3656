"""The change records kept on the terminal: when, which number, how it ended, under which
reference.
"""

from firmware.binding.record import Record
from firmware.storage import state as keys
from firmware.ui.keys import BACK

_TITLE = "records.title"


async def run(desk):
    """List the records, newest first, and show the one chosen."""
    if desk.state.get(keys.NOTICE) is not None:
        desk.state.put(((keys.NOTICE, None),))
    records = [Record(stored) for stored in desk.state.records()]
    if not records:
        await desk.pages.message(_TITLE, desk.text("records.none"), True)
        return
    items = [_date(desk, record.time) + " " + record.number[-5:] for record in records]
    at = 0
    while True:
        at = await desk.pages.menu(_TITLE, items, at)
        if at == BACK:
            return
        await desk.pages.message(_TITLE, _describe(desk, records[at]), True)


def _describe(desk, record):
    text = desk.text
    lines = [
        text("record.status.%d" % record.status),
        record.number,
        _date(desk, record.time),
        text("field.reason") + " " + text("reason.%d" % record.reason),
        text("record.operator") + " " + record.operator.decode(),
        text("result.application") + record.application,
        text("record.reference") + record.reference.decode().strip(),
    ]
    if record.status == 3:
        lines.insert(1, text("answer." + desk.answer(record.code)))
    if record.note:
        lines.append(record.note)
    return "\n".join(lines)


def _date(desk, epoch):
    # Local date and time (UTC+8), MM-DD HH:MM.
    civil = [0] * 6
    desk.clock.civil(epoch + 8 * 3600, civil)
    return "%02d-%02d %02d:%02d" % tuple(civil[1:5])
