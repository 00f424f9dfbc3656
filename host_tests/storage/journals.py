"""Journals on a model flash, for unit tests on both interpreters."""

from firmware.storage import recovery
from firmware.storage.journal import START, Journal
from host_tests.storage.nor import Nor

SEAL, MAC, CHAIN = bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48))


def journal(flash):
    """Return a journal on `flash` that has not looked at it yet."""
    return Journal(flash, SEAL, MAC, CHAIN)


def fresh(sectors=4):
    """Return a blank flash and the journal begun on it."""
    flash = Nor(sectors)
    log = journal(flash)
    recovery.format(log)
    return flash, log


def mounted(flash):
    """Return the journal that a start finds on `flash`."""
    log = journal(flash)
    recovery.mount(log)
    return log


def items(flash):
    """Return the state that a start finds on `flash`."""
    return dict(mounted(flash).items)


def used(flash, sector=0):
    """Return how many bytes of a sector have been written, in whole records."""
    at = sector * flash.sector_size
    held = bytes(flash.data[at : at + flash.sector_size]).rstrip(b"\xff")
    return (len(held) + 15) // 16 * 16


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
    """Put until the head is in `sector`, then once more."""
    i = 0
    while flash.data[sector * flash.sector_size] == 0xFF:
        log.put([(9, b"%060d" % i)])
        i += 1
    log.put([(9, b"the last")])
