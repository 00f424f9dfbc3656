"""The dates of a certificate: the terminal's first idea of the time.

A certificate is walked as DER (X.690), field by field to the dates (RFC 5280, 4.1): nothing is
searched for in it, since a name may contain any bytes. Imports nothing.
"""

from micropython import const

_SEQUENCE = const(0x30)
_VERSION = const(0xA0)
_UTC_TIME = const(0x17)
_TIME = const(0x18)


def validity(der):
    """Return start and end of validity of the first certificate in `der` in seconds since 1970,
    (0, 0) when they can't be read.
    """
    try:
        at = enter(der, enter(der, 0))
        if der[at] == _VERSION:
            at = step(der, at)
        for _ in range(3):  # serial number, algorithm, issuer
            at = step(der, at)
        at = enter(der, at)
        return _time(der, at), _time(der, step(der, at))
    except (IndexError, ValueError):
        return 0, 0


def dates(path):
    """Return the `validity` of the certificate in the file at `path`, (0, 0) also without one."""
    try:
        with open(path, "rb") as file:
            return validity(file.read())
    except OSError:
        return 0, 0


def step(der, at):
    """Return where that ends which begins at `at`. Raises IndexError, ValueError."""
    start, length = _content(der, at)
    if start + length > len(der):
        raise ValueError
    return start + length


def enter(der, at, tag=_SEQUENCE):
    """Return where the content of that begins which begins at `at`. Raises as `step`, and
    ValueError when it is something else than `tag` says.
    """
    if der[at] != tag:
        raise ValueError
    return _content(der, at)[0]


def _content(der, at):
    # Start and length of what begins at `at`.
    length = der[at + 1]
    at += 2
    if length & 0x80:
        count = length & 0x7F
        if not 0 < count < 4:  # without an end, or endless
            raise ValueError
        length = 0
        for _ in range(count):
            length = length << 8 | der[at]
            at += 1
    return at, length


def _time(der, at):
    # YYMMDDHHMMSSZ, the years 1950 to 2049; YYYYMMDDHHMMSSZ, all others.
    tag = der[at]
    text = bytes(der[at + 2 : step(der, at)])
    if tag == _UTC_TIME:
        text = (b"19" if text[:1] >= b"5" else b"20") + text
    elif tag != _TIME:
        raise ValueError
    if len(text) != 15 or text[14] != 0x5A:
        raise ValueError
    part = [int(text[index : index + 2]) for index in range(0, 14, 2)]
    return _epoch(part[0] * 100 + part[1], part[2], part[3], part[4], part[5], part[6])


def _epoch(year, month, day, hour, minute, second):
    # Days since 0000-03-01, so that a leap day is the last of its year.
    year -= month <= 2
    month += 9 if month <= 2 else -3
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1
    return ((days - 719468) * 24 + hour) * 3600 + minute * 60 + second
