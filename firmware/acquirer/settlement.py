"""What is said about the pending request to change a binding: sent, repeated, asked about, taken
back.

In memory only before it is composed. May import profile, binding.
"""

from firmware.acquirer import profile
from firmware.binding import change, model
from firmware.binding.request import pending


def run(line, how, secrets):
    """Return what compose.run is to compose: the pending request for the first time (0300), again
    (0301), an inquiry about it (0300, 91=5), or its withdrawal (91=3), as `how` says:
    change.SUBMIT, REPEAT, INQUIRE or WITHDRAW.

    secrets: as in binding.change; of a withdrawal the operator who asks for it.
    """
    request = pending(line.state)
    mti, stan, when, sealed = profile.FILE, request.stan, request.time, None
    tlvs = [(profile.UUID, request.uuid)]
    if how == change.INQUIRE or how == change.WITHDRAW:
        stan, when = line.state.next_stan(), line.board.clock.now()
        fields = [(profile.UPDATE, profile.INQUIRE)]
        if how == change.WITHDRAW:
            fields = [(profile.UPDATE, profile.WITHDRAW)]
            tlvs += [(profile.OPERATOR, secrets), (profile.APPROVER, profile.SUPERVISOR)]
    else:
        if how == change.REPEAT:
            mti = profile.REPEAT
        fields = [(profile.UPDATE, profile.CHANGE)]
        if request.old_token is not None:
            fields.append(
                (profile.OLD_TOKEN, b"".join([b"%02X" % byte for byte in request.old_token]))
            )
        number = model.truncated(model.number(request.tlvs) or b"")
        fields.append((profile.NEW_NUMBER, number.encode()))
        tlvs += [
            (profile.ACTION, bytes((request.action,))),
            (profile.SLOT, bytes((request.slot,))),
            (profile.REASON, bytes((request.reason,))),
            (profile.OPERATOR, request.operator),
        ]
        if request.approved:
            tlvs.append((profile.APPROVER, profile.SUPERVISOR))
        tlvs.append((profile.SERIAL, line.identity.serial))
        sealed = request.tlvs, secrets or ()
    return mti, stan, when, fields, tlvs, sealed
