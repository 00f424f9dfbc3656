"""A request to the acquirer, laid into the line's `tx` under the next key.

What always holds: what all messages have in common is said here; the counter of the key is
durable before it is used; nothing sealed stays in memory in clear but what the caller has. In
memory only while a message is composed. May import message, card, crypto.
"""

from micropython import const

from firmware.acquirer import profile
from firmware.acquirer.identity import SENT_MAX
from firmware.card import tlv
from firmware.crypto import dukpt
from firmware.crypto.cmac import mac
from firmware.crypto.seal import seal
from firmware.crypto.wipe import wipe
from firmware.message import codec

_SCRATCH = const(336)  # an IV, the longest binding with its secrets, and its padding


def run(line, mti, stan, when, fields, tlvs, sealed=None, code=0):
    """Compose the message `mti` with DE 11 `stan` and the time `when` (Unix epoch).

    fields: pairs of a DE above 70 and its digits or text, ascending; DE 91 brings 101 where it is
    not said. tlvs: pairs of a tag and its value, which make DE 120 when there are any. sealed:
    TLVs as bytes, and more as pairs, to be DF20 at the end of it. code: DE 70. Raises ValueError
    when it is too long, and what the keystore raises.
    """
    line.keys.advance()
    frame = codec.Encoder(line.tx)
    frame.begin(mti, True)
    civil = [0] * 6
    line.board.clock.civil(when, civil)
    frame.number(profile.TIME, _day(civil) * 1000000 + _time(civil))
    frame.number(profile.STAN, stan)
    line.board.clock.civil(when + 8 * 3600, civil)
    frame.number(profile.LOCAL_TIME, _time(civil))
    frame.number(profile.LOCAL_DATE, _day(civil))
    me = line.identity
    for de, value in (
        (profile.TERMINAL, me.terminal),
        (profile.MERCHANT, me.merchant),
        (profile.BATCH, profile.BATCH_NUMBER + b"%03d" % code),
        (profile.KSN, line.keys.ksn),
    ):
        frame.put(de, value, 0, len(value))
    if code:
        frame.number(profile.NETWORK_CODE, code)
    for de, value in fields:
        frame.put(de, value, 0, len(value))
        if de == profile.UPDATE and fields[-1][0] != profile.FILE_NAME:
            frame.put(profile.FILE_NAME, profile.BINDINGS, 0, len(profile.BINDINGS))
    if tlvs:
        start = pos = _good(frame.open(profile.DATA))
        for tag, value in tlvs:
            pos = _good(tlv.put(line.tx, pos, SENT_MAX, tag, value, 0, len(value)))
        if sealed is not None:
            pos = _seal(line, pos, sealed)
        frame.close(pos - start)
    end = _good(frame.open(profile.MAC))
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
        return _good(tlv.put(line.tx, pos, SENT_MAX, profile.SEALED, scratch, 0, n))
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
