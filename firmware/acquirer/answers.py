"""What the acquirer's answer about the pending request means: DE 39 and DF40 → an event.

In memory only while such an answer is read. May import storage.state and binding.change. The
words for people live in text/ under `answer.<DE 39>` (what it means) and `advice.<DE 39>` (what
to do next).
"""

from micropython import const

from firmware.binding import change
from firmware.binding.change import Outcome
from firmware.storage import state as keys

ACTIVE = const(1)  # DF40
UNDER_REVIEW = const(2)
REJECTED = const(3)
UNKNOWN = const(4)
NO_STATUS = const(0)

# DE 39 values of two bytes each, in one piece
_REFUSALS = b"14225455586163"
_STUCK = b"0330405897"


def run(line, code, status, reason, application, token, reference):
    """Return the Outcome that a verified reply is: DE 39, DF40, DF41, DF43, DF44 and DE 37 as
    bytes, or None.
    """
    outcome = Outcome()
    outcome.code = code
    outcome.status = status[0] if status is not None and len(status) == 1 else NO_STATUS
    outcome.event = event(code, outcome.status)
    outcome.fault_tag, outcome.note = split_reason(_text(reason))
    outcome.application = _text(application)
    if reference is not None:
        outcome.reference = reference
    if outcome.event == change.ACTIVE:
        tlvs = line.state.get(keys.PENDING_TLVS)
        if token != line.identity.token(tlvs):
            outcome.event = change.SUPERSEDED if token else change.UNSETTLED
    return outcome


def _text(value):
    # A TLV's UTF-8 text; a reason that can't be read is shown as none.
    try:
        return str(value or b"", "utf-8")
    except (UnicodeError, ValueError):
        return ""


def _is_in(code, codes):
    for at in range(0, len(codes), 2):
        if codes[at] == code[0] and codes[at + 1] == code[1]:
            return True
    return False


def event(code, status):
    """Return the change's event for DE 39 `code` (2 bytes) and DF40 `status` (0 when absent)."""
    if status == ACTIVE:
        return change.ACTIVE if code == b"00" else change.UNSETTLED
    if status == UNDER_REVIEW:
        return change.REVIEWING if code == b"09" else change.UNSETTLED
    if status == REJECTED:
        return change.REJECTED if _is_in(code, _REFUSALS) else change.UNSETTLED
    if status == UNKNOWN:
        return change.NO_SUCH if code == b"00" else change.UNSETTLED
    return change.STUCK if status == NO_STATUS and _is_in(code, _STUCK) else change.UNSETTLED


def split_reason(reason):
    """Return (tag at fault or 0, words) of a DF41: four hex digits, a space, text."""
    if len(reason) >= 5 and reason[4] == " ":
        try:
            return int(reason[:4], 16), reason[5:]
        except ValueError:
            pass  # not in that form: all of it is for people
    return 0, reason
