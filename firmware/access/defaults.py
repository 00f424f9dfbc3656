"""Whom a terminal begins with: the supervisor, and an operator, with passwords that open nothing
but their own change.
"""

SUPERVISOR = b"00"
FIRST = ((SUPERVISOR, b"123456"), (b"01", b"0000"))  # number, password


def is_default(password):
    """Tell whether a new password is one of these."""
    return bytes(password) in (default for _, default in FIRST)
