"""A message to the acquirer: what it says, laid into the line's `tx` under the next key.

What always holds: what all messages have in common is said here; which data elements there are,
and in what order, is message.fields; the counter of the key is durable before it is used; nothing
sealed stays in memory in clear but what the caller has. In memory only while a message is
composed: of the request it reads the bytes, so that what knows more of them need not be there.
May import profile, binding, message, card, crypto, storage.state.
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
from firmware.message.fields import ROW_LEN, ROWS
from firmware.storage import state as keys

_SCRATCH = const(336)  # an IV, the longest binding with its secrets, and its padding
_EAST_S = const(28800)  # UTC+8


class _Message:
    # What one message says. fields: {DE: its digits or text}, MTI among them; DATA: pairs of a
    # tag and its value.

    stan = 0
    when = 0  # Unix epoch; 0: now
    plain = None  # TLVs as bytes, to be DF20 at the end of DATA,
    secrets = ()  # and more of them as pairs


def run(line, fields, stan=0, how=0, secrets=None):
    """Compose what `fields` say, under DE 11 `stan`: {DE: its digits or text}, MTI among them,
    DATA as pairs of a tag and its value. Without them compose what is to be said about the pending
    request: change.SUBMIT, REPEAT, INQUIRE or WITHDRAW.

    secrets: as in binding.change; of a withdrawal the operator who asks for it. Raises ValueError
    when it is too long, and what the keystore and the journal raise.
    """
    message = _Message()
    message.fields, message.stan = fields, stan
    if not fields:
        _about_request(line, message, how, secrets)
    if not message.when:
        message.when = line.board.clock.now()
    line.keys.advance()
    _say_who_and_when(line, message)
    _lay(line, message)


def _about_request(line, message, how, secrets):
    stored = line.state.get(keys.PENDING)
    tlvs = [(profile.UUID, stored[: request.STAN_AT])]
    message.fields = fields = {profile.MTI: profile.FILE, profile.DATA: tlvs}
    if how == change.INQUIRE or how == change.WITHDRAW:
        message.stan = line.state.next_stan()
        fields[profile.UPDATE] = profile.INQUIRE
        if how == change.WITHDRAW:
            fields[profile.UPDATE] = profile.WITHDRAW
            tlvs += ((profile.OPERATOR, secrets), (profile.APPROVER, profile.SUPERVISOR))
        return
    if how == change.REPEAT:
        fields[profile.MTI] = profile.REPEAT
    fields[profile.UPDATE] = profile.CHANGE
    message.stan = int.from_bytes(stored[request.STAN_AT : request.TIME_AT], "big")
    message.when = int.from_bytes(stored[request.TIME_AT : request.ACTION_AT], "big")
    message.plain, message.secrets = line.state.get(keys.PENDING_TLVS), secrets or ()
    bits = stored[request.BITS_AT]
    if bits & request.REPLACES:
        token = stored[request.TOKEN_AT :]
        fields[profile.OLD_TOKEN] = b"".join([b"%02X" % byte for byte in token])
    number = model.truncated(model.number(message.plain) or b"")
    fields[profile.NEW_NUMBER] = number.encode()
    tlvs += (
        (profile.ACTION, stored[request.ACTION_AT : request.SLOT_AT]),
        (profile.SLOT, stored[request.SLOT_AT : request.REASON_AT]),
        (profile.REASON, stored[request.REASON_AT : request.OPERATOR_AT]),
        (profile.OPERATOR, stored[request.OPERATOR_AT : request.BITS_AT]),
    )
    if bits & request.APPROVED:
        tlvs.append((profile.APPROVER, profile.SUPERVISOR))
    tlvs.append((profile.SERIAL, line.identity.serial))


def _say_who_and_when(line, message):
    fields, me = message.fields, line.identity
    fields[profile.STAN] = b"%06d" % message.stan
    civil = [0] * 6
    line.board.clock.civil(message.when, civil)
    fields[profile.TIME] = b"%02d%02d%02d%02d%02d" % tuple(civil[1:])
    line.board.clock.civil(message.when + _EAST_S, civil)
    fields[profile.LOCAL_TIME] = b"%02d%02d%02d" % tuple(civil[3:])
    fields[profile.LOCAL_DATE] = b"%02d%02d" % tuple(civil[1:3])
    fields[profile.TERMINAL] = me.terminal
    fields[profile.MERCHANT] = me.merchant
    fields[profile.BATCH] = profile.BATCH_NUMBER + fields.get(profile.NETWORK_CODE, b"000")
    fields[profile.KSN] = line.keys.ksn
    if profile.UPDATE in fields and profile.FILE_NAME not in fields:
        fields[profile.FILE_NAME] = profile.BINDINGS


def _lay(line, message):
    tx = line.tx
    frame = codec.Encoder(tx)
    frame.begin(message.fields[profile.MTI], True)
    for row in range(0, len(ROWS), ROW_LEN):
        de = ROWS[row]
        said = message.fields.get(de)
        if not said:
            continue
        if de != profile.DATA:
            frame.put(de, said, 0, len(said))
            continue
        start = pos = _good(frame.open(de))
        for tag, value in said:
            pos = _good(tlv.put(tx, pos, SENT_MAX, tag, value, 0, len(value)))
        if message.plain is not None:
            pos = _seal(line, pos, message)
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


def _seal(line, pos, message):
    # DF20 at `pos`: an IV, and the TLVs under this message's own key.
    scratch = bytearray(_SCRATCH)
    key = bytearray(16)
    try:
        scratch[:16] = line.board.random(16)
        n = 16 + len(message.plain)
        scratch[16:n] = message.plain
        for tag, value in message.secrets:
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
