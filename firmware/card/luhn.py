"""The check digit of a card number: Luhn, ISO/IEC 7812-1, annex B.

Always holds: ints out, nothing allocated, nothing outside the given range read. For card numbers
only: account numbers have no such digit. Imports nothing.
"""


def valid(buf, off, n):
    """Return 1 if the `n` ASCII digits from `buf[off]` satisfy Luhn, else 0.

    A byte that is no digit, and an empty number, give 0.
    """
    if n < 1:
        return 0
    total = 0
    double = n & 1 ^ 1
    for i in range(off, off + n):
        digit = buf[i] - 48
        if digit < 0 or digit > 9:
            return 0
        if double:
            digit += digit
            if digit > 9:
                digit -= 9
        double ^= 1
        total += digit
    return 1 if total % 10 == 0 else 0
