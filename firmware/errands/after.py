"""What comes after an outcome: what the merchant is to do, and where the terminal itself leads to.

What always holds: of a refusal the acquirer says the kind (DF4B), else the response code does. In
memory only while something is told. May import binding.change, acquirer.profile, reasons, moment.
"""

from micropython import const

from firmware.acquirer import profile
from firmware.binding import change
from firmware.errands import reasons
from firmware.errands.moment import moment

# Where it leads to, beside a field of the form, which stands for itself by its tag
NOWHERE = const(0)
FORM = const(1)  # to be mended, but no field is named
OWNER = const(2)  # the page on which the owner is waited for

_WRONG_CODE = b"55"
_KINDS = {  # of a refusal that says none; of any other code: call the acquirer
    profile.BAD_NUMBER: change.MEND,
    b"22": change.WAIT,
    b"54": change.TAKE_ANOTHER,
    _WRONG_CODE: change.MEND,
    change.REFUSED_BY_OWNER: change.SPEAK_WITH_OWNER,
    b"61": change.WAIT,
    profile.NO_MATCH: change.MEND,
}
_SOONEST_S = const(3)  # DF4A while the owner is awaited, and only then
_LATEST_S = const(10)
_YEAR_S = const(31536000)


def advice(desk, code, kind=0, fault_tag=0, until=0):
    """Return what to do about a refusal, or about the code of a request that is held.

    code: DE 39. kind: DF4B, 0 when it was not said. fault_tag: the field named, 0 for none. until:
    Unix time, 0 when it was not said.
    """
    usual = _KINDS.get(code, change.CALL)
    kind = kind or usual
    if kind == change.WAIT and to_come(desk, until):
        return desk.text("advice.until", moment(desk, until))
    if kind == change.MEND and not fault_tag and code != _WRONG_CODE:
        key = "advice.check"
    elif kind != usual:
        key = "advice.kind.%d" % kind
    else:
        key = "advice." + (code.decode() if reasons.known(code) else "other")
    words = desk.text(key)
    return words + " " + desk.hotline if kind == change.CALL else words


def leads_to(outcome):
    """Return the tag of what is to be mended, change.CODE when only a right one-time code is
    wanting, or one of the three above.
    """
    if outcome.event == change.REVIEWING:
        return OWNER if _SOONEST_S <= outcome.again_s <= _LATEST_S else NOWHERE
    kind = outcome.kind or _KINDS.get(outcome.code, change.CALL)
    if outcome.event != change.REJECTED or kind not in (change.MEND, change.TAKE_ANOTHER):
        return NOWHERE
    if outcome.code == _WRONG_CODE and kind == change.MEND:
        return change.CODE
    return outcome.fault_tag or FORM


def hold(desk, outcome):
    """Return until when what was before is paid, as the acquirer holds what the owner has
    confirmed, in words; "" where it does not.
    """
    if outcome.event != change.REVIEWING or outcome.again_s:
        return ""
    until = outcome.effective
    return desk.text("told.hold", moment(desk, until)) if to_come(desk, until) else ""


def to_come(desk, epoch):
    """Tell whether `epoch` (Unix time) is ahead, within a year: what else the acquirer says is no
    moment to wait for.
    """
    return 0 < epoch - desk.clock.now() < _YEAR_S
