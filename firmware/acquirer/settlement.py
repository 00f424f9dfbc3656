"""What is said about the pending request to change a binding: sent, repeated, asked about, taken
back.

In memory only before it is composed. May import compose, binding.
"""

from firmware.acquirer.compose import FILE, REPEAT, SLOT, UUID
from firmware.binding import change, model
from firmware.binding.request import pending


def run(line, how, secrets):
    """Return what compose.run is to compose: the pending request for the first time (0300), again
    (0301), an inquiry about it (0300, 91=5), or its withdrawal (91=3), as `how` says:
    change.SUBMIT, REPEAT, INQUIRE or WITHDRAW.

    secrets: as in binding.change; of a withdrawal the operator who asks for it.
    """
    request = pending(line.state)
    mti, stan, when, sealed = FILE, request.stan, request.time, None
    tlvs = [(UUID, request.uuid)]
    if how == change.INQUIRE or how == change.WITHDRAW:
        stan, when = line.state.next_stan(), line.board.clock.now()
        fields = [(91, b"5")]
        if how == change.WITHDRAW:
            fields = [(91, b"3")]
            tlvs += [(0xDF14, secrets), (0xDF15, b"00")]
    else:
        if how == change.REPEAT:
            mti = REPEAT
        fields = [(91, b"2")]
        if request.old_token is not None:
            fields.append((102, b"".join([b"%02X" % byte for byte in request.old_token])))
        number = model.number(request.tlvs)
        if number is not None:
            fields.append((103, model.truncated(number).encode()))
        tlvs += [
            (0xDF11, bytes((request.action,))),
            (SLOT, bytes((request.slot,))),
            (0xDF13, bytes((request.reason,))),
            (0xDF14, request.operator),
        ]
        if request.approved:
            tlvs.append((0xDF15, b"00"))
        tlvs.append((0xDF16, line.identity.serial))
        sealed = request.tlvs, secrets or ()
    return mti, stan, when, fields, tlvs, sealed
