"""Sending the audit log to the acquirer's archive (0320) when it wants the records.

What always holds: entries go in the order of their numbers, each following what the acquirer has;
of what has been lost the gap is told before what follows it; what it has stored is noted once it
has said so, so power loss sends some again, which it skips. Whatever it answers, a conversation
ends. May import rooms, profile, binding.change, storage.
"""

from micropython import const

from firmware import rooms
from firmware.acquirer import profile
from firmware.binding import change
from firmware.storage import audit
from firmware.storage import state as store

_CORRECTIONS = const(2)  # of a conversation: where to go on, and what is refused there
_MESSAGES = const(256)  # of a conversation: more than the longest log takes


async def run(sync):
    """Send what the acquirer does not have, in as many messages as it takes. Raises NoAnswer,
    rooms.NoRoom.

    Stops where the acquirer takes nothing more. When it says that it has less, or more, than was
    thought, or that what follows does not follow from what it has, it goes on from there.
    """
    state = sync.state
    journal = state.journal
    # The newest goes again when there is nothing newer: the acquirer says then what it misses. Has
    # that given way on flash, an entry that says so is the newest.
    last = min(state.number(store.UPLOADED), journal.number - 1)
    corrected = 0
    gaps = rooms.ask("firmware.acquirer.gaps", "find", journal, last)
    again = last < state.number(store.UPLOADED)
    if again and not rooms.ask("firmware.acquirer.unsent", "find", journal, last, gaps)[0]:
        last = journal.number
        state.put((), audit.entry(audit.LOST, sync.clock.now(), detail=b"%d" % last))
    for _ in range(_MESSAGES):
        found, sent = rooms.ask("firmware.acquirer.unsent", "find", journal, last, gaps)
        if not found:
            return
        fields = {profile.MTI: profile.AUDIT, profile.DATA: found}
        found = None
        said = await sync.line.talk(profile.OF_RECORDS, fields)
        code, value = said[profile.CODE], said[profile.LAST]
        if value is None or len(value) != 4:
            return
        stored = int.from_bytes(value, "big")
        if stored != sent or code != profile.APPROVED:
            if corrected == _CORRECTIONS:
                return
            corrected += 1
            refused = code == change.MALFORMED and stored == last
            gaps = rooms.ask("firmware.acquirer.gaps", "find", journal, stored, refused)
        last = stored
        if state.number(store.UPLOADED) < last <= journal.number:
            state.put_number(store.UPLOADED, last)
