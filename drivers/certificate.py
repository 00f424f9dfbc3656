"""The dates of a certificate: the terminal's first idea of the time.

In memory only while the terminal starts. Imports nothing.
"""


def validity(der):
    """Return start and end of validity of a DER certificate in seconds since 1970, 0 for what
    can't be read.

    Its first two UTCTimes (RFC 5280, YYMMDDHHMMSSZ) are notBefore and notAfter; an end from 2050
    on is written otherwise, and is too far away to matter.
    """
    at = der.find(b"\x17\x0d")
    return _time(der, at), _time(der, at + 15)


def _time(der, at):
    if at < 0 or len(der) < at + 15 or der[at : at + 2] != b"\x17\x0d" or der[at + 14] != 0x5A:
        return 0
    try:
        part = [int(der[index : index + 2]) for index in range(at + 2, at + 14, 2)]
    except ValueError:
        return 0
    return _epoch(2000 + part[0], part[1], part[2], part[3], part[4], part[5])


def _epoch(year, month, day, hour, minute, second):
    # Days since 0000-03-01, so that a leap day is the last of its year.
    year -= month <= 2
    month += 9 if month <= 2 else -3
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1
    return ((days - 719468) * 24 + hour) * 3600 + minute * 60 + second
