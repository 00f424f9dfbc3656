"""A message to the acquirer: what it says, laid into the line's `tx` under the next key.

What always holds: what all messages have in common is said here; the counter of the key is durable
before it is used; nothing sealed stays in memory in clear but what the caller has. Of the
request it takes the bytes apart itself, so that what knows more of them need not be there. May
import profile, binding, message, card, crypto.
"""

from micropython import const

from firmware.acquirer import profile
from firmware.acquirer.identity import SENT_MAX
from firmware.binding import change, model, request
from firmware.card import tlv
from firmware.crypto import dukpt
from firmware.crypto.cmac import mac
from firmware.crypto.seal import seal
from firmware.crypto.wipe import wipe
from firmware.message import codec

_SCRATCH = const(336)  # an IV, the longest binding with its secrets, and its padding


def compose(line, fields, stan=0, how=0, secrets=None, stored=None, tlvs=None):
    """Compose what `fields` say, under DE 11 `stan`: {DE: its digits or text}, MTI among them,
    DATA as pairs of a tag and its value. Without them compose what is to be said about the pending
    request: change.SUBMIT, REPEAT, INQUIRE or WITHDRAW.

    secrets: as in binding.change; of a withdrawal the operator who asks for it. stored, tlvs: the
    request and its binding as they are stored; to read them takes memory of its own. Raises
    ValueError when it is too long, and what the keystore and the journal raise.
    """
    tx, me = line.tx, line.identity
    when, plain = line.board.clock.now(), None
    if not fields:
        if how == change.SUBMIT or how == change.REPEAT:
            stan = int.from_bytes(stored[request.STAN_AT : request.TIME_AT], "big")
            when = int.from_bytes(stored[request.TIME_AT : request.ACTION_AT], "big")
            plain = tlvs
            fields = _request(stored, tlvs, how, me.serial)
        else:
            stan = line.state.next_stan()
            fields = _about(stored, how, secrets)
    line.keys.advance()
    frame = codec.Encoder(tx)
    frame.begin(fields[profile.MTI], True)
    civil = [0] * 6
    line.board.clock.civil(when, civil)
    _put(frame, profile.TIME, b"%02d%02d%02d%02d%02d" % tuple(civil[1:]))
    frame.number(profile.STAN, stan)
    line.board.clock.civil(when + profile.EAST_S, civil)
    _put(frame, profile.LOCAL_TIME, b"%02d%02d%02d" % tuple(civil[3:]))
    _put(frame, profile.LOCAL_DATE, b"%02d%02d" % tuple(civil[1:3]))
    _put(frame, profile.TERMINAL, me.terminal)
    _put(frame, profile.MERCHANT, me.merchant)
    batch = profile.BATCH_NUMBER + fields.get(profile.NETWORK_CODE, b"000")
    _put(frame, profile.BATCH, batch)
    _put(frame, profile.KSN, line.keys.ksn)
    for de in profile.OF_ITS_OWN:
        _put(frame, de, fields.get(de))
    if fields[profile.DATA]:
        start = pos = _good(frame.open(profile.DATA))
        for tag, value in fields[profile.DATA]:
            pos = _good(tlv.put(tx, pos, SENT_MAX, tag, value, 0, len(value)))
        if plain is not None:
            pos = _seal(line, pos, plain, secrets or ())
        frame.close(pos - start)
    end = _good(frame.open(profile.MAC))
    key = bytearray(16)
    tag = bytearray(16)
    line.keys.key(dukpt.MAC_GENERATION, key)
    mac(key, tx, codec.BODY, end - codec.BODY, tag, 0)
    wipe(key)
    tx[end : end + 8] = memoryview(tag)[:8]
    frame.close(8)
    _good(frame.finish())


def _request(stored, tlvs, how, serial):
    # The request itself: all but what is sealed.
    data = [
        (profile.UUID, stored[: request.STAN_AT]),
        (profile.ACTION, stored[request.ACTION_AT : request.SLOT_AT]),
        (profile.SLOT, stored[request.SLOT_AT : request.REASON_AT]),
        (profile.REASON, stored[request.REASON_AT : request.OPERATOR_AT]),
        (profile.OPERATOR, stored[request.OPERATOR_AT : request.BITS_AT]),
    ]
    bits = stored[request.BITS_AT]
    if bits & request.APPROVED:
        data.append((profile.APPROVER, profile.SUPERVISOR))
    data.append((profile.SERIAL, serial))
    fields = {
        profile.MTI: profile.REPEAT if how == change.REPEAT else profile.FILE,
        profile.UPDATE: profile.CHANGE,
        profile.FILE_NAME: profile.BINDINGS,
        profile.DATA: data,
    }
    if bits & request.REPLACES:
        token = stored[request.TOKEN_AT :]
        fields[profile.OLD_TOKEN] = b"".join([b"%02X" % byte for byte in token])
    fields[profile.NEW_NUMBER] = model.masked(tlvs).encode()
    return fields


def _about(stored, how, operator):
    # What became of it, or that it is to be taken back.
    data = [(profile.UUID, stored[: request.STAN_AT])]
    update = profile.INQUIRE
    if how == change.WITHDRAW:
        update = profile.WITHDRAW
        data.append((profile.OPERATOR, operator))
        data.append((profile.APPROVER, profile.SUPERVISOR))
    return {
        profile.MTI: profile.FILE,
        profile.UPDATE: update,
        profile.FILE_NAME: profile.BINDINGS,
        profile.DATA: data,
    }


def _put(frame, de, value):
    if value is not None:
        frame.put(de, value, 0, len(value))


def _seal(line, pos, plain, secrets):
    # DF20 at `pos`: an IV, and the TLVs under this message's own key.
    scratch = bytearray(_SCRATCH)
    key = bytearray(16)
    try:
        scratch[:16] = line.board.random(16)
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
