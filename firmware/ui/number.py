"""How account and card numbers are shown: in groups of four, and masked. Imports nothing."""

_UNMASKED_MIN = 13  # fewer digits than a card has: only the last four are shown


def grouped(number):
    """Return ASCII `number` (str or bytes) in groups of four, as a str."""
    if not isinstance(number, str):
        number = bytes(number).decode()
    return " ".join([number[at : at + 4] for at in range(0, len(number), 4)])


def masked(number):
    """Return `number` with its first six and last four digits (PCI DSS 3.4.1), grouped, as a str.

    Of a number with fewer than 13 digits only the last four are shown.
    """
    if not isinstance(number, str):
        number = bytes(number).decode()
    head = 6 if len(number) >= _UNMASKED_MIN else 0
    hidden = max(0, len(number) - head - 4)
    return grouped(number[:head] + "*" * hidden + number[head + hidden :])
