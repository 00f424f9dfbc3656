"""Comparison of secrets without telling, by its duration, where they differ.

Always holds: all `n` bytes are looked at; nothing is allocated. Native code: stays in memory.
Imports nothing.
"""

import micropython


@micropython.viper
def equal(a: ptr8, b: ptr8, n: int) -> bool:
    """Return True if the first `n` bytes of `a` and `b` are the same, in constant time."""
    difference = 0
    while n > 0:
        n -= 1
        difference |= a[n] ^ b[n]
    return difference == 0
