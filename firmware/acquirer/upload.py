"""Sending the audit log to the acquirer's archive (0320) when it wants the records.

What always holds: entries go in the order of their numbers, each following what the acquirer has;
what it has stored is noted once it has said so, so power loss sends some again, which it skips. In
memory only while records are sent. May import compose, storage.
"""

import struct

from micropython import const

from firmware.acquirer.compose import RECORDS
from firmware.storage import history
from firmware.storage import state as keys

_RECORD = const(0xDF50)
_STORED = const(0xDF51)
_ROOM = const(520)  # bytes of TLVs that fit a message of identity.SENT_MAX
_TAG = const(3)  # bytes of a record's tag and length


async def run(sync):
    """Send what the acquirer does not have, in as many messages as it takes. Raises NoAnswer,
    rooms.NoRoom.

    Stops at a gap in the log and where the acquirer takes nothing more.
    """
    state = sync.state
    last = state.number(keys.UPLOADED)
    records = _following(state.journal, last)
    while records:
        (value,) = await sync.line.talk((_STORED,), RECORDS, (), records)
        stored = int.from_bytes(value or b"", "big")
        if stored == last or value is None:
            return
        last = stored  # it may have less than it had: then from there
        if last > state.number(keys.UPLOADED):
            state.put_number(keys.UPLOADED, last)
        records = _following(state.journal, last)


def _following(journal, last):
    # DF50 of as many records that follow the number `last` as a message holds.
    found = []
    room = _ROOM
    for record in history.export(journal, last + 1):
        room -= _TAG + len(record)
        last += 1
        if room < 0 or record[:4] != struct.pack(">I", last):
            break
        found.append((_RECORD, record))
    return found
