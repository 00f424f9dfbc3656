"""Which entries of the audit log are lost to the archive: damaged, given way, or not to be sent.

What always holds: an entry whose chain the log itself does not bear out is as good as lost, since
all that follows would be refused with it; so is one that the wire can't carry. May import
binding.legible, storage.audit_log.
"""

from micropython import const

from firmware.binding.legible import legible
from firmware.storage import audit_log

NOT_YET = const(0)

_HEAD = const(9)  # of an entry, before its detail
_DETAIL_MAX = const(64)


def find(journal, last, refused=False):
    """Return the gaps behind the entry `last`: {first: (last, chain behind it)}, with NOT_YET for
    the last one while that is not known.

    refused: the acquirer has that entry, but not the chain that the log has behind it, since one
    before was damaged later: the entry that follows can't be proven to it, those after that can.
    """
    gaps = []  # [first, last, chain] in order
    doubt = -1  # from this one on the chain is not proven yet
    expected = last + 1
    known = None
    for number, before, chain, entry in audit_log.entries(journal, expected):
        if before is not None:
            if known is not None and before != known:
                # A sector begins, and its header has the true chain.
                first = gaps[doubt][0] if doubt >= 0 else expected
                _replace(gaps, doubt, first, number - 1, before)
                doubt = -1
            elif number != expected:
                if doubt < 0:
                    doubt = len(gaps)
                gaps.append((expected, number - 1, before))
            elif known is not None:
                doubt = -1
        if not _sendable(entry) or refused and number == last + 1:
            gaps.append((number, number, chain))
        known = chain
        expected = number + 1
    if doubt >= 0 and (known != journal.chain or expected <= journal.number):
        # In the sector being written a restart still decides by what can be read: it is told when
        # that has happened, or when the next sector has begun.
        _replace(gaps, doubt, gaps[doubt][0], NOT_YET, b"")
    found = {}
    for first, end, chain in gaps:
        found[first] = end, chain
    return found


def _replace(gaps, doubt, first, last, chain):
    # One gap instead of all from `doubt` on; none where nothing is missing.
    if doubt >= 0:
        del gaps[doubt:]
    if first <= last or last == NOT_YET:
        gaps.append((first, last, chain))


def _sendable(entry):
    for byte in entry[5:_HEAD]:  # operator and outcome
        if not 0x21 <= byte <= 0x7E:
            return False
    detail = entry[_HEAD:]
    return len(detail) <= _DETAIL_MAX and legible(detail).encode() == detail
