"""A form that is being filled in, as bytes at the desk: what was typed outlives the form's code.

    operator(2) kept until(4) reason(1) | of each field, ascending: length(1) value zeros

What always holds: a value is changed in its place, so that nothing of it is left anywhere once the
draft is dropped; who is logged out for pressing no key finds it again for as long as the idle page
says, which notes the time in it. In memory with the form only. May import binding.model and
crypto.wipe.
"""

from micropython import const

from firmware.binding import model
from firmware.crypto.wipe import wipe

REASON = const(6)  # where DF13 stands, 0 while none has been chosen
_HEAD = const(7)
_SIZE = const(195)
_FIELDS = (  # tag, bytes at most
    (model.NAME, 120),
    (model.ACCOUNT, 32),
    (model.CNAPS, 12),
    (model.KIND, 1),
    (model.LICENCE, 18),
)


def run(desk):
    """Overwrite the draft at the desk: it is no longer needed."""
    if desk.draft is not None:
        wipe(desk.draft)
        desk.draft = None


def begin(desk):
    """Put an empty draft of who is logged in at the desk; return it."""
    desk.draft = draft = bytearray(_SIZE)
    draft[0] = desk.operator[0]
    draft[1] = desk.operator[1]
    return draft


def get(draft, tag):
    """Return what was entered for `tag`, empty when nothing was: a view, not a copy."""
    at, _ = _place(tag)
    return memoryview(draft)[at + 1 : at + 1 + draft[at]]


def put(draft, tag, value):
    """Enter `value` for `tag`. Raises ValueError when it is too long for the field."""
    at, limit = _place(tag)
    if len(value) > limit:
        raise ValueError(tag)
    draft[at] = len(value)
    for index in range(limit):
        draft[at + 1 + index] = value[index] if index < len(value) else 0


def compose(draft):
    """Return the binding's TLVs, of what was entered. Raises ValueError when they are too long."""
    fields = {}
    for tag, _ in _FIELDS:
        value = get(draft, tag)
        fields[tag] = value if len(value) else None
    return model.compose(fields)


def _place(wanted):
    # Where the field begins, and its limit.
    at = _HEAD
    for tag, limit in _FIELDS:
        if tag == wanted:
            return at, limit
        at += 1 + limit
    raise KeyError(wanted)
