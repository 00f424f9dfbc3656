"""The check digit of a card number: Luhn, ISO/IEC 7812-1, annex B.

Always holds: ints out, nothing allocated, nothing outside the given range read. For card numbers
only: account numbers have no such digit. Native code: stays in memory. Imports nothing.
"""

import micropython


@micropython.viper
def valid(buf: ptr8, off: int, n: int) -> int:
    """Return 1 if the `n` ASCII digits from `buf[off]` satisfy Luhn, else 0.

    A byte that is no digit, and an empty number, give 0.
    """
    if n < 1:
        return 0
    end = off + n
    total = 0
    if n & 1:
        total = buf[off] ^ 0x30
        if total > 9:
            return 0
        off += 1
    while off < end:
        digit = buf[off] ^ 0x30
        if digit > 9:
            return 0
        total += digit + digit
        if digit > 4:
            total -= 9
        digit = buf[off + 1] ^ 0x30
        if digit > 9:
            return 0
        total += digit
        off += 2
    return 1 if total % 10 == 0 else 0
