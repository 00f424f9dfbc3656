"""Inquiries of the directory of banks, as messages ask for it: what may be asked, how often.

An inquiry changes nothing and needs no code, so all that stands against reading the whole
directory out, or wearing the host, is a limit of so many an hour for each terminal; it is kept in
memory. May import: tlv, rules.
"""

import re
from dataclasses import dataclass

from tools.acquirer import rules, tlv

HOURLY = 60
_HOUR_S = 3600

_CLASS_TAG = 0xDF60
_AREA_TAG = 0xDF61
_DIGITS_TAG = 0xDF62
_PAGE_TAG = 0xDF63
_BANK_TAG = 0xDF64
_MORE_TAG = 0xDF65

_TAGS = {
    _CLASS_TAG: re.compile(rb"[0-9]{3}").fullmatch,
    _AREA_TAG: re.compile(rb"[0-9]{4}").fullmatch,
    _DIGITS_TAG: re.compile(rb"[2-9]{1,12}").fullmatch,
    _PAGE_TAG: lambda value: len(value) == 1,  # 256 pages
}


@dataclass
class Asked:
    """What an inquiry is about; None where it does not say."""

    bank_class: str | None
    area: str | None
    digits: str | None
    page: int


def read(found):
    """An inquiry's tags {tag: value} as Asked. Raises TlvError."""
    rules.check_values(found, _TAGS, (_PAGE_TAG,))
    wanted = [
        found[tag].decode() if tag in found else None
        for tag in (_CLASS_TAG, _AREA_TAG, _DIGITS_TAG)
    ]
    if wanted == [None, None, None]:
        raise tlv.TlvError(_CLASS_TAG, "missing, as DF61 and DF62 are")
    return Asked(*wanted, found[_PAGE_TAG][0])


class Inquiries:
    """The counter at which terminals ask. directory: an open Directory."""

    def __init__(self, directory):
        self._directory = directory
        self._hours = {}  # of a terminal: when its hour began, and how often it has asked in it

    def may_ask(self, terminal, now):
        """Whether this terminal (its number) may ask once more at `now`; it counts if it may."""
        began, count = self._hours.get(terminal, (now, 0))
        if not 0 <= now - began < _HOUR_S:  # over, or the clock was set back
            began, count = now, 0
        if count >= HOURLY:
            return False
        self._hours[terminal] = began, count + 1
        return True

    def answer(self, asked):
        """The TLVs of one page: DF64 of each bank, DF65."""
        found, more = self._directory.search(
            asked.bank_class, asked.area, asked.digits, asked.page
        )
        rows = [(_BANK_TAG, number.encode() + name.encode()) for number, name in found]
        return [*rows, (_MORE_TAG, bytes([more]))]
