"""What a new password must not be, on the interpreter of the chip: found however it was drawn."""

from firmware.access import policy

_LINES = ("123", "456", "789", "147", "258", "369", "159", "357", "580", "2580")
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def drawn():
    """Yield 3000 passwords of 6 to 16 digits, of few different digits every other time."""
    seed = 1
    for count in range(3000):
        text = ""
        for _ in range(6 + count % 11):
            seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
            text += str((seed >> 16) % (4 if count % 2 else 10))
        yield text


def runs(text):
    found = False
    for row in ("01234567890123", "98765432109876"):
        for at in range(10):
            found = found or row[at : at + 5] in text
    for digit in "0123456789":
        found = found or digit * 5 in text
    return found


def repeats(text):
    size = len(text)
    return any((text[:n] * size)[:size] == text for n in range(1, size // 2 + 1))


def lines(text):
    if len(text) <= 2:
        return True
    for line in _LINES:
        back = "".join(reversed(line))
        if text.startswith(line) or text.startswith(back):
            if lines(text[len(line) :]):
                return True
    return False


def dated(text):
    found = False
    for at in range(len(text) - 5):
        six, eight = text[at : at + 6], text[at : at + 8]
        found = found or is_day(six[2:4], six[4:])
        if len(eight) == 8 and eight[4:6] in ("19", "20"):
            found = found or is_day(eight[2:4], eight[:2])
    return found


def is_day(month, day):
    return 1 <= int(month) <= 12 and 1 <= int(day) <= _DAYS[int(month) - 1]


def test_whatever_is_drawn_the_reason_is_the_first_that_is_true():
    seen = set()
    for text in drawn():
        wanted = 0
        for reason, true in (
            (policy.FEW, len(set(text)) < 3),
            (policy.RUN, runs(text)),
            (policy.REPEATED, repeats(text)),
            (policy.MIRRORED, text == "".join(reversed(text))),
            (policy.LINES, lines(text)),
            (policy.DATE, dated(text)),
        ):
            if true:
                wanted = reason
                break
        assert policy.check(bytearray(text.encode())) == wanted, text
        seen.add(wanted)
    assert {0, policy.FEW, policy.RUN, policy.DATE} <= seen


def test_every_day_of_a_leap_year_is_found_in_each_way_of_writing_it():
    for month in range(1, 13):
        for day in range(1, _DAYS[month - 1] + 1):
            for text in ("2024%02d%02d", "93%02d%02d", "7524%02d%02d8"):
                assert policy.check(bytearray((text % (month, day)).encode()))
            assert policy.check(bytearray(b"%02d%02d1985" % (day, month)))
