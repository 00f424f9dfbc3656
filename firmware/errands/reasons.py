"""What a response code means, in words.

What always holds: none of them reads like a success, since that is an event. Imports nothing.
"""

_KNOWN = b"0309142230405455585961636891929697A0"  # DE 39 but 00, two bytes each


def words(text, code):
    """Return the words for DE 39 `code`, bytes; one that is not in the list is shown itself, if it
    can be.
    """
    if known(code):
        return text("answer." + code.decode())
    if len(code) == 2 and all([0x21 <= byte <= 0x7E for byte in code]):
        return text("answer.code") + code.decode()
    return text("answer.other")


def known(code):
    """Tell whether `code` is one of the profile's, so that there are words and advice for it."""
    for at in range(0, len(_KNOWN), 2):
        if _KNOWN[at : at + 2] == code:
            return True
    return False
