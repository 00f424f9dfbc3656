"""The proof that what the line has received answers what it has sent, and what is in it.

What always holds: a reply that isn't provably the answer to this very message is no answer; what
is taken out of it is a copy. May import message, card, crypto and change.NoAnswer.
"""

from array import array

from firmware.acquirer import profile
from firmware.acquirer.profile import SEALED, UUID
from firmware.binding.change import NoAnswer
from firmware.card import tlv
from firmware.crypto import dukpt
from firmware.crypto.cmac import mac
from firmware.crypto.compare import equal
from firmware.crypto.seal import unseal
from firmware.crypto.wipe import wipe
from firmware.message import codec
from firmware.message.fields import ROW_LEN, ROWS, Z


def read(line, wanted):
    """Return what is `wanted` of the verified reply: {DE or tag: its bytes, or None}; where that
    is nothing, what is said of a request.

    A tag is looked for in DE 120, then in DE 63; DF20 is its plain TLVs, a bytearray.
    Raises NoAnswer: the reply is not the answer to what was sent.
    """
    # A table of places is large: there is one, for what was sent and then for what came.
    fields = array("H", (0 for _ in range(codec.TABLE_LEN)))
    if not _proven(line, fields):
        raise NoAnswer(0)
    return {what: _part(line, fields, what) for what in wanted or profile.OF_REQUEST}


def _proven(line, fields):
    tx, rx = line.tx, line.rx
    codec.decode(tx, codec.BODY, (tx[0] << 8 | tx[1]) + 2, fields)
    asked = _value(tx, fields, profile.DATA, UUID)
    sent = array("H")  # DE, place and length of what has to come back
    for row in range(0, len(ROWS), ROW_LEN):
        de = ROWS[row]
        if de <= profile.MAC and fields[2 * de] and de not in profile.NOT_ECHOED:
            sent.extend(array("H", (de, fields[2 * de], fields[2 * de + 1])))
    end = (rx[0] << 8 | rx[1]) + 2
    if codec.decode(rx, codec.BODY, end, fields) != 0:
        return False
    if (rx[7] << 8 | rx[8]) != (tx[7] << 8 | tx[8] & 0xF0) + profile.REPLY:
        return False
    if not fields[2 * profile.MAC] or not fields[2 * profile.CODE]:
        return False
    tag = bytearray(16)
    key = bytearray(16)
    line.keys.key(dukpt.MAC_VERIFICATION, key)
    mac(key, rx, codec.BODY, end - 8 - codec.BODY, tag, 0)
    wipe(key)
    if not equal(tag, memoryview(rx)[end - 8 : end], 8):
        return False
    for at in range(0, len(sent), 3):  # comes back as it was sent, length and all
        de, start, length = sent[at : at + 3]
        if length != fields[2 * de + 1] or _raw(tx, start, length, de) != _field(rx, fields, de):
            return False
    answered = _part(line, fields, UUID)
    if asked is None or answered == asked:
        return True
    # One that names none may tell what is wrong, but settles nothing.
    return answered is None and not _part(line, fields, profile.STATUS)


def _field(buf, fields, de):
    at = fields[2 * de]
    return _raw(buf, at, fields[2 * de + 1], de) if at else None


def _raw(buf, at, size, de):
    for row in range(0, len(ROWS), ROW_LEN):
        if ROWS[row] == de and ROWS[row + 1] & 15 <= Z:
            size = (size + 1) // 2  # two digits a byte
    return bytes(memoryview(buf)[at : at + size])


def _value(buf, fields, de, tag):
    at = fields[2 * de]
    found = array("i", bytes(4 * tlv.OUT_LEN))
    if not at or tlv.find(buf, at, at + fields[2 * de + 1], tag, found) != 1:
        return None
    return bytes(memoryview(buf)[found[1] : found[1] + found[2]])


def _part(line, fields, what):
    rx = line.rx
    if what <= profile.MAC:
        return _field(rx, fields, what)
    value = _value(rx, fields, profile.DATA, what)
    if value is None:
        value = _value(rx, fields, profile.REPLY_DATA, what)
    return _plain(line, value) if value is not None and what == SEALED else value


def _plain(line, block):
    # The plain TLVs of a DF20, to be overwritten by whoever asked for them; None when it isn't
    # properly sealed.
    if len(block) < 32 or len(block) % 16:
        return None
    buf = bytearray(block)
    key = bytearray(16)
    line.keys.key(dukpt.DATA_DECRYPT, key)
    n = unseal(key, block[:16], buf, 16, len(buf) - 16)
    wipe(key)
    plain = None if n < 0 else bytearray(memoryview(buf)[16 : 16 + n])
    wipe(buf)
    return plain
