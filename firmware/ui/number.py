"""How account and card numbers are shown: in groups of four. Imports nothing."""


def grouped(number):
    """Return ASCII `number` (str or bytes) in groups of four, as a str."""
    if not isinstance(number, str):
        number = bytes(number).decode()
    return " ".join([number[at : at + 4] for at in range(0, len(number), 4)])
