"""Reads the audit log back from flash.

What always holds: entries come in the order of their numbers, each once; one that was damaged or
has given way is a gap in the numbers, never a wrong entry. Nothing is written, and nothing of the
journal is held: who stops half-way, or writes meanwhile, harms nobody. May import journal, frame,
reader.
"""

from firmware.storage import frame as frames
from firmware.storage import replay
from firmware.storage.journal import ENTRY, StorageFault


def entries(journal, first=1):
    """Yield (number, chain before it as recorded or None, chain, entry) from number `first` on.

    The chain before is given at a sector's first entry: it is what the sector's header says, which
    has to be the chain of the entry before. It is given behind a gap, too, as far as it is known.
    Raises StorageFault.
    """
    try:
        yield from _entries(journal, frames.Frame(journal), first)
    except OSError:
        raise StorageFault from None


def _entries(journal, frame, first):
    sectors = replay.log(frame, replay.sectors(frame)[0])
    for index, place in enumerate(sectors):
        order, sector = place >> 8, place & 0xFF
        known = replay.header(frame, sector)
        # What the next sector begins with has been said; what is behind it here never was true.
        after = None
        bound = journal.number
        if index + 1 < len(sectors):
            after = replay.header(frame, sectors[index + 1] & 0xFF)
            bound = after[2] if after else 0
        if not known or known[0] != order:
            continue  # it has given way since the reading began
        number, chain = known[2], known[3]
        if bound < first or number >= bound:
            continue
        before = chain
        last = replay.end(frame, sector)
        for _, _, _, flags, _, items in replay.records(frame, sector, order, last):
            lost = ((flags >> 2) - number) & 63
            if lost:
                number += lost
                before = chain
            for key, value, _ in items:
                if key == ENTRY and number < bound:
                    number += 1
                    chain = frames.chained(journal, chain, number, value)
                    if number >= first:
                        yield number, before, chain, value
                    before = None
