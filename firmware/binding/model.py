"""A binding as the bytes that are stored.

It is the string of its TLVs DF30-DF37 in ascending order: what is stored is what is sealed
for the acquirer and what its token is computed from. May import card.tlv only.
"""

from array import array

from micropython import const

from firmware.card import tlv

NAME = const(0xDF30)  # account holder, UTF-8, 1-120 bytes, no control characters
ACCOUNT = const(0xDF31)  # account number, 8-32 digits
CNAPS = const(0xDF32)  # 12 digits
BANK = const(0xDF33)  # bank name, UTF-8, at most 90 bytes
KIND = const(0xDF34)  # 1 corporate, 2 personal
LICENCE = const(0xDF35)  # unified social credit code, 18 ASCII
PAN = const(0xDF36)  # 13-19 digits
EXPIRY = const(0xDF37)  # YYMM

CHANGE_ACCOUNT = const(1)
CHANGE_CARD = const(2)
RESTORE = const(3)
REMOVE = const(4)  # a reserve; it has no TLVs

CORPORATE = const(1)
PERSONAL = const(2)

BINDING_MAX = const(291)  # bytes of TLVs: an account with all its fields at their longest


def field(tlvs, tag):
    """Return the value of `tag` in a binding's TLVs as bytes, or None."""
    found = array("i", bytes(4 * tlv.OUT_LEN))
    if tlvs is None or tlv.find(tlvs, 0, len(tlvs), tag, found) != 1:
        return None
    return bytes(memoryview(tlvs)[found[1] : found[1] + found[2]])


def compose(fields):
    """Return a binding's TLVs, a bytearray, from {tag: bytes}; tags that are None are left out.

    There is no other copy of them: who has no use for them any more overwrites them. Raises
    ValueError when they are longer than BINDING_MAX.
    """
    size = 0
    for value in fields.values():
        if value is not None:
            size += 3 + len(value)
    if size > BINDING_MAX:
        raise ValueError(size)
    buf = bytearray(size)
    pos = 0
    for tag in range(NAME, EXPIRY + 1):
        value = fields.get(tag)
        if value is not None:
            pos = tlv.put(buf, pos, size, tag, value, 0, len(value))
            if pos < 0:
                raise ValueError(tag)
    return buf


def number(tlvs):
    """Return the account number of a binding, or its card number, as bytes; None without
    either.
    """
    found = field(tlvs, ACCOUNT)
    return found if found is not None else field(tlvs, PAN)


def masked(tlvs):
    """Return a binding's number as DE 103 and records show it: first six, `*`, last four.

    With fewer than 13 digits only `*` and the last four (PCI DSS 3.4.1); without a number, `*`.
    """
    digits = number(tlvs) or b""
    text = "".join([chr(byte) if 0x30 <= byte <= 0x39 else "?" for byte in digits])
    return "*" + text[-4:] if len(text) < 13 else text[:6] + "*" + text[-4:]
