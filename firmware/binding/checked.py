"""Whether a binding that was not entered here is one that this terminal could send.

May import model, rules, legible and card.tlv.
"""

from array import array

from micropython import const

from firmware.binding import model, rules
from firmware.binding.legible import clean
from firmware.card import tlv

_BANK_MAX = const(90)  # bytes of UTF-8


def is_binding(tlvs):
    """Tell whether `tlvs` are a binding of PROTOCOL's table: known tags, ascending, each value of
    its form; a name, and an account or a card but not both.
    """
    if len(tlvs) > model.BINDING_MAX:
        return False
    found = array("i", bytes(4 * tlv.OUT_LEN))
    before = pos = 0
    while pos < len(tlvs):
        pos = tlv.step(tlvs, pos, len(tlvs), found)
        if pos < 0 or found[0] <= before:
            return False
        before = found[0]
        if not _fits(before, bytes(memoryview(tlvs)[found[1] : found[1] + found[2]])):
            return False
    field = model.field
    if field(tlvs, model.NAME) is None:
        return False
    if field(tlvs, model.ACCOUNT) is None:
        others = model.CNAPS, model.BANK, model.KIND
        wanted = model.PAN
    else:
        others = model.PAN, model.EXPIRY
        wanted = model.ACCOUNT
    return field(tlvs, wanted) is not None and not [tag for tag in others if field(tlvs, tag)]


def _fits(tag, value):
    if tag == model.NAME:
        return clean(value, rules.NAME_MAX)
    if tag == model.ACCOUNT:
        return not rules.account(value)
    if tag == model.CNAPS:
        return len(value) == 12 and rules.digits(value)
    if tag == model.BANK:
        return clean(value, _BANK_MAX)
    if tag == model.KIND:
        return value in (bytes((model.CORPORATE,)), bytes((model.PERSONAL,)))
    if tag == model.LICENCE:
        return len(value) == 18 and all([0x21 <= byte <= 0x7E for byte in value])
    if tag == model.PAN:
        return 13 <= len(value) <= 19 and rules.digits(value)
    if tag == model.EXPIRY:
        return len(value) == 4 and rules.digits(value) and 1 <= int(value[2:]) <= 12
    return False
