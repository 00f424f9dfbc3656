"""A form that is being filled in, as bytes at the desk: what was typed outlives the form's code.

    operator(2) kept until(4) reason(1) field being typed(1) action(1) slot(1) | of each field,
    ascending: length(1) value zeros | what is being typed, zeros(32)

What always holds: a value is changed in its place, so that nothing of it is left anywhere once the
draft is dropped; who is logged out for pressing no key finds it again for as long as the idle page
says, which notes the time in it. A card's CVV2 is never in it. In memory with the form only. May
import binding.model, storage.state and crypto.wipe.
"""

from micropython import const

from firmware.binding import model
from firmware.crypto.wipe import wipe
from firmware.storage import state as store

REASON = const(6)  # where DF13 stands, 0 while none has been chosen
_TYPING = const(7)  # the low byte of its tag, 0 while none is
ACTION = const(8)  # where DF11 stands
SLOT = const(9)  # where DF12 stands, 0 while none has been chosen
_HEAD = const(10)
_TYPED = const(314)
_SIZE = const(346)
_FIELDS = (  # tag, bytes at most
    (model.NAME, 120),
    (model.ACCOUNT, 32),
    (model.CNAPS, 12),
    (model.BANK, 90),
    (model.KIND, 1),
    (model.LICENCE, 18),
    (model.PAN, 19),
    (model.EXPIRY, 4),
)


def forget(desk):
    """Overwrite the draft at the desk: it is no longer needed."""
    if desk.draft is not None:
        wipe(desk.draft)
        desk.draft = None


def begin(desk, action, slot):
    """Put an empty draft of who is logged in at the desk, to do `action` to `slot` (0: to be
    chosen); return it.
    """
    desk.draft = draft = bytearray(_SIZE)
    draft[0] = desk.operator[0]
    draft[1] = desk.operator[1]
    draft[ACTION] = action
    draft[SLOT] = slot
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


def typing(draft, tag, before, size):
    """Return where `tag` is typed, a view of `size` bytes for Pages.digits: it holds what was
    typed when the form was left in the middle of it, else `before`.
    """
    if draft[_TYPING] != tag & 0xFF:
        draft[_TYPING] = tag & 0xFF
        for index in range(_SIZE - _TYPED):
            draft[_TYPED + index] = before[index] if index < len(before) else 0
    return memoryview(draft)[_TYPED : _TYPED + size]


def typed(draft):
    """Overwrite what was being typed: the field has been left by a key."""
    draft[_TYPING] = 0
    wipe(memoryview(draft)[_TYPED:])


def licence(desk):
    """Return the merchant's licence where the terminal knows it, else None: as it was bound, or as
    it was provisioned.
    """
    for slot in range(1, store.SLOTS + 1):
        bound = model.field(desk.state.binding(slot), model.LICENCE)
        if bound is not None:
            return bound
    return desk.licence


def compose(draft):
    """Return the binding's TLVs, of what was entered. Raises ValueError when they are too long."""
    fields = {}
    for tag, _ in _FIELDS:
        value = get(draft, tag)
        fields[tag] = value if len(value) else None
    return model.compose(fields)


def proposal(desk):
    """Return the draft at the desk as a proposal, (action, slot, reason, TLVs), made anew each
    time. Raises ValueError when it is too long.
    """
    draft = desk.draft
    return draft[ACTION], draft[SLOT], draft[REASON], compose(draft)


def _place(wanted):
    # Where the field begins, and its limit.
    at = _HEAD
    for tag, limit in _FIELDS:
        if tag == wanted:
            return at, limit
        at += 1 + limit
    raise KeyError(wanted)
