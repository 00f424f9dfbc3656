"""Who is who on a terminal. Imports nothing."""

SUPERVISOR = b"00"  # approves, looks after the operators; enters no change
ADMINISTRATOR = b"99"  # network and host; no bindings


def is_operator(number):
    """Tell whether `number`, 2 ASCII digits, is one of 01-98, who enter changes."""
    return b"01" <= bytes(number) <= b"98"
