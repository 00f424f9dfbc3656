"""The time of day, in seconds since 1970, UTC.

The chip forgets the time without power, and counts from 2000 where a computer counts from 1970.
Certificates have dates, so the clock begins, before the first TLS connection, at the latest of the
age of this firmware, the date of the terminal's certificate and the last time known. What always
holds: `now` never goes below the first two, its floor; only the acquirer's authenticated time
makes it `trusted`, and none that lies behind the end of the certificate, with which no acquirer
could correct it.
May import machine.
"""

import time

import machine
from micropython import const

_FROM_1970_TO_2000 = const(946684800)
_BUILT = const(1735689600)  # 2025-01-01: no firmware of this house is older
_DAY = const(86400)


class Clock:
    """The chip's clock, not below `floor` and not set above `ceiling` (seconds since 1970; 0: no
    ceiling).
    """

    def __init__(self, floor=0, ceiling=0):
        self._base = _FROM_1970_TO_2000 if time.gmtime(0)[0] == 2000 else 0
        self._shift = 0
        self._ceiling = ceiling
        self.trusted = False
        self._floor = max(_BUILT, floor)
        self.begin_at(self._floor)

    def now(self):
        """Return the seconds since 1970."""
        return max(self._chip() + self._shift, self._floor)

    def begin_at(self, epoch):
        """Put the clock forward to `epoch`, the last time known, when it is behind."""
        if self._chip() + self._shift < epoch:
            self._write(epoch)

    def set(self, epoch):
        """Set the clock, back or forth, to the acquirer's authenticated time, unless that is below
        the floor or above the ceiling.
        """
        if epoch < self._floor or self._ceiling and epoch > self._ceiling:
            return
        self._write(epoch)
        self.trusted = True

    def civil(self, epoch, out):
        """Fill `out` with year, month, day, hour, minute, second of `epoch` (proleptic
        Gregorian, UTC).
        """
        days = epoch // _DAY
        rest = epoch - days * _DAY
        days += 719468  # count from 0000-03-01: a year from March on ends in its leap day
        era = days // 146097
        day = days - era * 146097
        year = (day - day // 1460 + day // 36524 - day // 146096) // 365
        day -= 365 * year + year // 4 - year // 100
        month = (5 * day + 2) // 153
        out[2] = day - (153 * month + 2) // 5 + 1
        out[1] = month + 3 if month < 10 else month - 9
        out[0] = year + era * 400 + (out[1] <= 2)
        out[3] = rest // 3600
        out[4] = rest // 60 % 60
        out[5] = rest % 60

    def _chip(self):
        return int(time.time()) + self._base

    def _write(self, epoch):
        now = [0] * 6
        self.civil(epoch, now)
        weekday = (epoch // _DAY + 3) % 7
        machine.RTC().datetime((now[0], now[1], now[2], weekday, now[3], now[4], now[5], 0))
        self._shift = epoch - self._chip()  # 0, unless the RTC does not rule time.time()
