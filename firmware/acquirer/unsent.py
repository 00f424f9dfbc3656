"""What of the audit log goes into the next message to the archive (0320).

May import gaps and storage.
"""

from struct import pack

from micropython import const

from firmware.acquirer.gaps import NOT_YET
from firmware.acquirer.profile import ENTRY, GAP
from firmware.storage import audit_log

_ROOM = const(520)  # bytes of TLVs that fit a message of identity.SENT_MAX
_GAP_LEN = const(16)
_TAG = const(3)  # bytes of a record's tag and length


def find(journal, last, gaps):
    """Return what goes into a message after the entry `last`, DF50 of entries and DF52 of what is
    lost before them (see `gaps`), and the number up to which that is. Raises StorageFault.
    """
    found = []
    room = _ROOM
    for number, _, chain, entry in audit_log.entries(journal, last + 1):
        gap = gaps.get(last + 1)
        while gap is not None and gap[0] < number:
            room -= _TAG + _GAP_LEN
            if room < 0 or gap[0] == NOT_YET:
                return found, last
            found.append((GAP, _told(last + 1, gap)))
            last = gap[0]
            gap = gaps.get(last + 1)
        if gap is not None:
            continue  # it is in there: not proven, or not to be sent
        room -= _TAG + 12 + len(entry)
        if room < 0 or number != last + 1:
            break
        found.append((ENTRY, pack(">I", number) + entry[:9] + chain + entry[9:]))
        last = number
    else:
        gap = gaps.get(last + 1)
        if gap is not None and gap[0] != NOT_YET and room >= _TAG + _GAP_LEN:
            found.append((GAP, _told(last + 1, gap)))
            last = gap[0]
    return found, last


def _told(first, gap):
    return pack(">II", first, gap[0]) + gap[1]
