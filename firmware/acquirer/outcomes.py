"""What the acquirer's answer about the pending request means: DE 39 and DF40 → an event.

What always holds: what decides is taken as it is or not at all; what only informs is made legible,
whatever it is. May import binding.
"""

from micropython import const

from firmware.acquirer import profile
from firmware.binding import change
from firmware.binding.change import Outcome
from firmware.binding.legible import legible

_REASON_MAX = const(120)  # bytes of DF41
_APPLICATION_MAX = const(32)  # bytes of DF43


def read(line, said, asked):
    """Return the Outcome that a verified reply is.

    said: what reply.read has found in it. asked: the TLVs that are to be bound, empty for none.
    """
    code, status, token = said[profile.CODE], said[profile.STATUS], said[profile.TOKEN]
    reference = said[profile.REFERENCE]
    outcome = Outcome()
    if readable(code):
        outcome.code = code
    known = status is not None and len(status) == 1
    outcome.event = event(code, status[0] if known else profile.NO_STATUS)
    outcome.fault_tag, outcome.note = split_reason(
        legible(said[profile.WORDS] or b"", _REASON_MAX)
    )
    outcome.application = legible(said[profile.APPLICATION] or b"", _APPLICATION_MAX)
    outcome.effective = _number(said[profile.EFFECTIVE], 4)
    outcome.again_s = _number(said[profile.AGAIN], 2)
    kind = _number(said[profile.KIND], 1)
    if kind <= change.CALL:
        outcome.kind = kind
    if reference is not None and readable(reference.rstrip()):
        outcome.reference = reference
    if outcome.event == change.ACTIVE:
        if token is None or len(token) != 8:
            outcome.event = change.UNSETTLED
        elif token != (line.identity.token(asked) if asked else bytes(8)):
            outcome.event = change.SUPERSEDED  # zeros: nothing is bound there any more
    return outcome


def readable(value):
    """Tell whether `value` is ASCII that a page can show and an audit entry can carry."""
    return bool(value) and all([0x21 <= byte <= 0x7E for byte in value])


def _number(value, size):
    # 0 for what is missing or of another size: it only informs.
    return int.from_bytes(value, "big") if value is not None and len(value) == size else 0


def _is_in(code, codes):
    for at in range(0, len(codes), 2):
        if codes[at : at + 2] == code:
            return True
    return False


def event(code, status):
    """Return the change's event for DE 39 `code` (2 bytes) and DF40 `status` (0 when absent)."""
    if status == profile.ACTIVE:
        return change.ACTIVE if code == profile.APPROVED else change.UNSETTLED
    if status == profile.UNDER_REVIEW:
        return change.REVIEWING if code == profile.IN_REVIEW else change.UNSETTLED
    if status == profile.REJECTED:
        return change.REJECTED if _is_in(code, profile.REFUSALS) else change.UNSETTLED
    if status == profile.UNKNOWN:
        return change.NO_SUCH if code == profile.APPROVED else change.UNSETTLED
    if status == profile.NO_STATUS and _is_in(code, profile.STOPS):
        return change.STUCK
    return change.UNSETTLED


def split_reason(reason):
    """Return (tag at fault or 0, words) of a DF41: four hex digits, a space, text."""
    if len(reason) >= 5 and reason[4] == " ":
        tag = 0
        for char in reason[:4]:
            digit = "0123456789ABCDEF".find(char.upper())
            if digit < 0:
                return 0, reason  # not in that form: all of it is for people
            tag = tag << 4 | digit
        return tag, reason[5:]
    return 0, reason
