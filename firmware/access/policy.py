"""What a new password must not be: what somebody would try first, or sees being typed.

A check returns 0, or one of the reasons below; words for them live in text/ under
`password.weak.<reason>`. What always holds: nothing of a password is copied. May import roles.
"""

from micropython import const

from firmware.access import roles

DATE = const(1)
REPEATED = const(2)
RUN = const(3)
MIRRORED = const(4)
LINES = const(5)
FEW = const(6)

_APPROVES = const(8)
_APPROVES_NOTHING = const(6)
_DIFFERENT = const(3)
_RUN = const(5)  # digits
_CUT = const(2)  # digits behind the lines: of one that was cut short
_CENTURIES = (19, 20)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_LINES = (b"123", b"456", b"789", b"147", b"258", b"369", b"159", b"357", b"580", b"2580")


def least(number):
    """Return of how many digits at least the password of the operator `number` is."""
    return _APPROVES_NOTHING if roles.is_operator(number) else _APPROVES


def check(buf):
    """Check what somebody chose, `least` ASCII digits or more: three different ones, no run
    (around 9 and 0 too), no block repeated, not the same from behind, not along lines of the
    keypad, no date in it.
    """
    if len(set(buf)) < _DIFFERENT:
        return FEW
    if _has_run(buf):
        return RUN
    if _repeats(buf):
        return REPEATED
    if _is_mirrored(buf):
        return MIRRORED
    if _follows_lines(buf):
        return LINES
    return DATE if _has_date(buf) else 0


def _has_run(buf):
    # Whether each of so many digits in a row is one up, one down, or the same.
    length, step = 1, 0
    for at in range(1, len(buf)):
        now = (buf[at] - buf[at - 1] + 1) % 10
        length = length + 1 if now == step else 2
        step = now
        if now <= 2 and length >= _RUN:
            return True
    return False


def _repeats(buf):
    # Whether a block stands there twice or more, the last one perhaps cut short.
    for period in range(1, len(buf) // 2 + 1):
        at = period
        while at < len(buf) and buf[at] == buf[at - period]:
            at += 1
        if at == len(buf):
            return True
    return False


def _is_mirrored(buf):
    for at in range(len(buf) // 2):
        if buf[at] != buf[-1 - at]:
            return False
    return True


def _follows_lines(buf):
    # Whether lines of the keypad, one behind the other, lead to the end, or nearly.
    end = len(buf) - _CUT
    reached = {0}
    for at in range(end):
        if at in reached:
            for line in _LINES:
                if _is_line(buf, at, line):
                    reached.add(at + len(line))
    return max(reached) >= end


def _is_line(buf, at, line):
    # Whether it stands there, in one direction or the other.
    size = len(line)
    if at + size > len(buf):
        return False
    there = back = True
    for place in range(size):
        there = there and buf[at + place] == line[place]
        back = back and buf[at + place] == line[size - 1 - place]
    return there or back


def _has_date(buf):
    # YYYYMMDD, which ends as YYMMDD does; DDMMYYYY of two centuries.
    for at in range(len(buf) - 5):
        first, second, third = _two(buf, at), _two(buf, at + 2), _two(buf, at + 4)
        if _is_day(second, third):
            return True
        if at + 8 <= len(buf) and third in _CENTURIES and _is_day(second, first):
            return True
    return False


def _two(buf, at):
    return (buf[at] - 0x30) * 10 + buf[at + 1] - 0x30


def _is_day(month, day):
    return 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]
