"""The names that the merchant's accounts may be held under, one by one.

May import card.tlv.
"""

from array import array

from firmware.card import tlv


def listed(holders):
    """Return the names in `holders`, TLVs of DF30, as a list of UTF-8 bytes."""
    found = array("i", bytes(4 * tlv.OUT_LEN))
    names = []
    pos = 0
    while pos < len(holders):
        pos = tlv.step(holders, pos, len(holders), found)
        names.append(holders[found[1] : found[1] + found[2]])
    return names
