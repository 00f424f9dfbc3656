"""A request to the acquirer, laid into the line's `tx` under the next key.

What always holds: what all messages have in common is said here; the counter of the key is
durable before it is used; nothing sealed stays in memory in clear but what the caller has. In
memory only while a message is composed. May import message, card, crypto.
"""

from micropython import const

from firmware.acquirer.identity import SENT_MAX
from firmware.card import tlv
from firmware.crypto import dukpt
from firmware.crypto.cmac import mac
from firmware.crypto.seal import seal
from firmware.crypto.wipe import wipe
from firmware.message import codec

NETWORK = const(0x0800)  # message types
FILE = const(0x0300)
REPEAT = const(0x0301)
RECORDS = const(0x0320)

UUID = const(0xDF10)
SLOT = const(0xDF12)
SEALED = const(0xDF20)
TOKEN = const(0xDF44)

_SCRATCH = const(336)  # an IV, the longest binding with its secrets, and its padding


def run(line, mti, stan, when, fields, tlvs, sealed=None, code=0):
    """Compose the message `mti` with DE 11 `stan` and the time `when` (Unix epoch).

    fields: pairs of a DE above 70 and its digits or text, ascending; DE 91 brings 101. tlvs: pairs
    of a tag and its value, which make DE 120 when there are any. sealed: TLVs as bytes, and more
    as pairs, to be DF20 at the end of it. code: DE 70. Raises ValueError when it is too long, and
    what the keystore raises.
    """
    line.keys.advance()
    frame = codec.Encoder(line.tx)
    frame.begin(mti, True)
    civil = [0] * 6
    line.board.clock.civil(when, civil)
    frame.number(7, _day(civil) * 1000000 + _time(civil))
    frame.number(11, stan)
    line.board.clock.civil(when + 8 * 3600, civil)
    frame.number(12, _time(civil))
    frame.number(13, _day(civil))
    me = line.identity
    for de, value in (
        (41, me.terminal),
        (42, me.merchant),
        (60, b"00000001%03d" % code),
        (62, line.keys.ksn),
    ):
        frame.put(de, value, 0, len(value))
    if code:
        frame.number(70, code)
    for de, value in fields:
        frame.put(de, value, 0, len(value))
        if de == 91:
            frame.put(101, b"SETTLEBIND", 0, 10)
    if tlvs:
        start = pos = _good(frame.open(120))
        for tag, value in tlvs:
            pos = _good(tlv.put(line.tx, pos, SENT_MAX, tag, value, 0, len(value)))
        if sealed is not None:
            pos = _seal(line, pos, sealed)
        frame.close(pos - start)
    end = _good(frame.open(128))
    key = bytearray(16)
    tag = bytearray(16)
    line.keys.key(dukpt.MAC_GENERATION, key)
    mac(key, line.tx, codec.BODY, end - codec.BODY, tag, 0)
    wipe(key)
    line.tx[end : end + 8] = memoryview(tag)[:8]
    frame.close(8)
    _good(frame.finish())


def _seal(line, pos, sealed):
    # DF20 at `pos`: an IV, and the TLVs under this message's own key.
    scratch = bytearray(_SCRATCH)
    key = bytearray(16)
    try:
        scratch[:16] = line.board.random(16)
        plain, secrets = sealed
        n = 16 + len(plain)
        scratch[16:n] = plain
        for tag, value in secrets:
            n = _good(tlv.put(scratch, n, _SCRATCH, tag, value, 0, len(value)))
        line.keys.key(dukpt.DATA_ENCRYPT, key)
        n = _good(seal(key, memoryview(scratch)[:16], scratch, 16, n - 16)) + 16
        return _good(tlv.put(line.tx, pos, SENT_MAX, SEALED, scratch, 0, n))
    finally:
        wipe(key)
        wipe(scratch)


def _good(result):
    if result < 0:
        raise ValueError("message too long")
    return result


def _day(civil):
    return civil[1] * 100 + civil[2]


def _time(civil):
    return (civil[3] * 100 + civil[4]) * 100 + civil[5]
