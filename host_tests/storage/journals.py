"""Journals on a model flash, for unit tests on both interpreters."""

from firmware.storage import recovery, writer
from firmware.storage.journal import PLACE, SIZE, START, Journal
from host_tests.storage.nor import Nor

RESIDENT = recovery, writer  # not loaded anew for each of thousands of puts
SEAL, MAC, CHAIN = bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48))


def journal(flash):
    """Return a journal on `flash` that has not looked at it yet."""
    return Journal(flash, SEAL, MAC, CHAIN)


def fresh(sectors=4):
    """Return a blank flash of `sectors` sectors of the journal, and the journal begun on it."""
    flash = Nor(2 * sectors)
    log = journal(flash)
    recovery.format(log)
    return flash, log


def mounted(flash):
    """Return the journal that a start finds on `flash`."""
    log = journal(flash)
    recovery.mount(log)
    return log


def held(log):
    """Return the whole state of a journal: what is in memory, and what is read back."""
    keys = list(log.items)
    keys += [log.index[at] for at in range(0, len(log.index), PLACE)]
    return {key: log.get(key) for key in keys}


def items(flash):
    """Return the state that a start finds on `flash`."""
    return held(mounted(flash))


def used(flash, sector=0):
    """Return how many bytes of a sector (its first block) have been written, in whole records."""
    at = sector * flash.sector_size
    written = bytes(flash.data[at : at + SIZE]).rstrip(b"\xff")
    return (len(written) + 15) // 16 * 16


def records(flash, sector=0):
    """Return the (start, end) offsets of the records of a sector that is undamaged."""
    found = []
    at = START
    while at < used(flash, sector):
        place = sector * flash.sector_size + at
        n = flash.data[place] << 8 | flash.data[place + 1]
        found.append((at, at + n))
        at += n
    return found


def fill(flash, log, sector):
    """Put until the head is in `sector` (by its first block), then once more."""
    i = 0
    while flash.data[sector * flash.sector_size] == 0xFF:
        log.put([(9, b"%060d" % i)])
        i += 1
    log.put([(9, b"the last")])
