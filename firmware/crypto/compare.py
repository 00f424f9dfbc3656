"""Comparison of secrets without telling, by its duration, where they differ.

Always holds: all `n` bytes are looked at; nothing is allocated. Imports nothing.
"""


def equal(a, b, n):
    """Return True if the first `n` bytes of `a` and `b` are the same, in constant time."""
    difference = 0
    for i in range(n):
        difference |= a[i] ^ b[i]
    return difference == 0
