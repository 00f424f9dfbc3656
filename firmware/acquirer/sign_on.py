"""Signing on: time, names, policy and notices, and bindings that changed at the acquirer.

What always holds: a binding that differs is replaced only by what the acquirer's authenticated
answer says, and only after a supervisor accepted it, unless the slot was empty. In memory only
while the terminal signs on. May import compose, verify, answers, binding, storage, card.tlv.
"""

from array import array

from micropython import const

from firmware.acquirer import answers
from firmware.acquirer.compose import FILE, NETWORK, SEALED, SLOT, TOKEN
from firmware.acquirer.verify import STATUS
from firmware.binding import change
from firmware.binding.change import NoAnswer
from firmware.binding.model import BINDING_MAX, NAME
from firmware.binding.request import SLOT_AT
from firmware.card import tlv
from firmware.storage import audit
from firmware.storage import state as keys

_DIFFERS = const(1)  # DF45

_NOTICES = const(0xDF45)
_TIME = const(0xDF46)
_MERCHANT = const(0xDF47)
_POLICY = const(0xDF48)
_SIGN_ON = const(1)
_SAVE_TIME_S = const(3600)
_NAMES_MAX = const(8)


async def run(sync):
    """Sign on (0800, 70=001) and take in what the acquirer says, for `sync`.

    Returns DE 39 and the notices (DF45). Raises NoAnswer, rooms.NoRoom.
    """
    tokens = _tokens(sync)
    wanted = 39, _NOTICES, _TIME, _POLICY, _MERCHANT, SEALED
    code, notices, time, policy, merchant, names = await sync.line.talk(
        wanted, NETWORK, (), tokens, None, _SIGN_ON
    )
    if code != b"00":
        return code, 0
    if None in (notices, time, policy):
        raise NoAnswer(0)  # said nothing of what a sign-on is for
    _take_time(sync, _number(time))
    sync.policy = _number(policy)
    notices = _number(notices)
    if names is not None:
        sync.names = _names(names)
    if merchant is not None:
        _take_merchant(sync, merchant)
    differing = await _compare(sync) if notices & _DIFFERS or not tokens else []
    # What a supervisor has accepted meanwhile differs no more.
    binding = sync.state.binding
    sync.differing = [waiting for waiting in differing if binding(waiting[0]) != waiting[1]]
    return code, notices


def _tokens(sync):
    # DF12 and DF44 of each slot that is bound.
    tokens = []
    for slot in range(1, keys.SLOTS + 1):
        tlvs = sync.state.binding(slot)
        if tlvs is not None:
            tokens.append((SLOT, bytes((slot,))))
            tokens.append((TOKEN, sync.line.identity.token(tlvs)))
    return tokens


async def _compare(sync):
    # Fetch what the acquirer has in each slot; an empty slot is filled, another one announced.
    differing = []
    for slot in range(1, keys.SLOTS + 1):
        if is_pending(sync.change, slot):
            continue  # its settlement decides
        theirs = await _slot(sync.line, slot)
        ours = sync.state.binding(slot)
        if theirs is not None and ours is None:
            sync.accept(slot, theirs, audit.NOBODY)
        elif theirs != ours:
            differing.append((slot, theirs))
    return differing


def is_pending(change_, slot):
    """Tell whether the acquirer may be deciding on a request for `slot`."""
    return change_.phase > change.STORED and change_.state.get(keys.PENDING)[SLOT_AT] == slot


async def _slot(line, slot):
    # The TLVs of a slot's binding (0300, 91=5), None when nothing is bound. NoAnswer also when the
    # answer is an error or doesn't match its own token.
    code, status, tlvs, token = await line.talk(
        (39, STATUS, SEALED, TOKEN),
        FILE,
        ((91, b"5"),),
        ((SLOT, bytes((slot,))),),
    )
    if code == b"00" and status == bytes((answers.UNKNOWN,)):
        return None
    good = code == b"00" and tlvs is not None and len(tlvs) <= BINDING_MAX
    if not good or token != line.identity.token(tlvs):
        raise NoAnswer(0)
    return tlvs


def _take_time(sync, now):
    if now:
        sync.clock.set(now)
        now = sync.clock.now()  # what it took of it
        if abs(now - sync.state.number(keys.TIME)) > _SAVE_TIME_S:
            sync.state.put_number(keys.TIME, now)


def _take_merchant(sync, merchant):
    # Fifteen characters that DE 42 can carry.
    identity = sync.line.identity
    fits = len(merchant) == 15 and all([0x20 <= byte <= 0x7E for byte in merchant])
    if fits and merchant != identity.merchant:
        entry = audit.entry(audit.MERCHANT, sync.clock.now(), detail=merchant)
        sync.state.put(((keys.MERCHANT, merchant),), entry)
        identity.merchant = merchant


def _number(value):
    return int.from_bytes(value, "big")


def _names(tlvs):
    found = array("i", bytes(4 * tlv.OUT_LEN))
    names = []
    pos = 0
    while pos < len(tlvs) and len(names) < _NAMES_MAX:
        pos = tlv.step(tlvs, pos, len(tlvs), found)
        if pos < 0:
            break
        if found[0] == NAME:
            names.append(bytes(memoryview(tlvs)[found[1] : found[1] + found[2]]))
    return names
