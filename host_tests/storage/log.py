"""The audit log as an auditor takes it from a flash, for tests on both interpreters."""

from struct import pack

from firmware.storage import audit_log


def exported(journal, first=1):
    """Yield the log from number `first` on as PROTOCOL's DF50 has it: number, time, event,
    operator, outcome, chain, detail.
    """
    for number, _, chain, entry in audit_log.entries(journal, first):
        yield pack(">I", number) + entry[:9] + chain + entry[9:]


def verified(journal):
    """Return (number of the oldest entry, of the newest, numbers after which the chain does not
    go on as it was recorded).

    The chain begins at the oldest sector: what it says of the entries before is taken as given.
    """
    first = last = 0
    known = None
    broken = []
    for number, before, chain, _ in audit_log.entries(journal):
        if not first:
            first = number
        elif number != last + 1 or before not in (None, known):
            broken.append(last)
        last, known = number, chain
    if known not in (None, journal.chain) or last not in (0, journal.number):
        broken.append(last)
    return first, last, broken
