"""What an answer of the acquirer means: DE 39 and DF40 → an event of the change, and words for
people.

May import binding.change only. Words live in text/ under `answer.<DE 39>` (what it means) and
`advice.<DE 39>` (what to do next).
"""

from micropython import const

from firmware.binding import change

ACTIVE = const(1)  # DF40
UNDER_REVIEW = const(2)
REJECTED = const(3)
UNKNOWN = const(4)
NO_STATUS = const(0)

# DE 39 values of two bytes each, in one piece
_REFUSALS = b"14225455586163"
_STUCK = b"0330405897"
_KNOWN = b"0003091422304054555861636891929697A0"


def _is_in(code, codes):
    for at in range(0, len(codes), 2):
        if codes[at] == code[0] and codes[at + 1] == code[1]:
            return True
    return False


class Outcome:
    """What became of one exchange about a request.

    event: for binding.change. code: DE 39, or `--` when there was no answer. status: DF40 or 0.
    note: DF41 without the tag at fault. fault_tag: that tag, or 0. reference: DE 37, 12 bytes.
    application: DF43. effective: DF42 or 0. token: DF44 or None. trouble: a link error code, 0
    when there was none.
    """

    def __init__(self):
        self.event = change.UNSETTLED
        self.code = b"--"
        self.status = NO_STATUS
        self.note = ""
        self.fault_tag = 0
        self.reference = b" " * 12
        self.application = ""
        self.effective = 0
        self.token = None
        self.trouble = 0


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


def words(code):
    """Return the text key's last part for DE 39 `code`: itself, or `other` when it isn't ours."""
    return code.decode() if _is_in(code, _KNOWN) else "other"


def split_reason(reason):
    """Return (tag at fault or 0, words) of a DF41: four hex digits, a space, text."""
    if len(reason) >= 5 and reason[4] == " ":
        try:
            return int(reason[:4], 16), reason[5:]
        except ValueError:
            pass  # not in that form: all of it is for people
    return 0, reason
