"""Signing on: time, names, policy and notices, and bindings that changed at the acquirer.

What always holds: a binding that differs is replaced only by what the acquirer's authenticated
answer says, and only after a supervisor accepted it, unless the slot was empty. In memory only
while the terminal signs on. May import exchange, answers, binding, storage.state, card.tlv.
"""

from array import array

from micropython import const

from firmware.acquirer import answers
from firmware.acquirer.exchange import FILE, NETWORK, SLOT, TOKEN
from firmware.binding.change import NoAnswer
from firmware.binding.model import BINDING_MAX, NAME
from firmware.card import tlv
from firmware.storage import audit
from firmware.storage import state as keys

_DIFFERS = const(1)  # DF45

_NOTICES = const(0xDF45)
_TIME = const(0xDF46)
_POLICY = const(0xDF48)
_SIGN_ON = const(1)
_SAVE_TIME_S = const(3600)
_NAMES_MAX = const(8)


async def run(sync, exchange):
    """Sign on (0800, 70=001) and take in what the acquirer says, for `sync`.

    Returns DE 39 and the notices (DF45). Raises NoAnswer.
    """
    tokens = _tokens(exchange)
    exchange.begin(NETWORK, exchange.state.next_stan(), exchange.clock.now(), _SIGN_ON)
    exchange.number(70, _SIGN_ON)
    if tokens:
        exchange.open_tlvs()
        for slot, token in tokens:
            exchange.tlv(SLOT, bytes((slot,)))
            exchange.tlv(TOKEN, token)
        exchange.close_tlvs()
    reply = await exchange.ask(NETWORK)
    code = reply.code
    if code != b"00":
        return code, 0
    if None in (reply.value(_NOTICES), reply.value(_TIME), reply.value(_POLICY)):
        raise NoAnswer(0)  # said nothing of what a sign-on is for
    _take_time(exchange, reply.number(_TIME))
    sync.policy = reply.number(_POLICY)
    notices = reply.number(_NOTICES)
    merchant = reply.value(0xDF47)
    names = reply.unsealed()
    if names is not None:
        sync.names = _names(names)
    identity = exchange.identity
    if merchant is not None and _is_number(merchant) and merchant != identity.merchant:
        entry = audit.entry(audit.MERCHANT, exchange.clock.now(), detail=merchant)
        exchange.state.put(((keys.MERCHANT, merchant),), entry)
        identity.merchant = merchant
    differs = notices & _DIFFERS or not tokens
    differing = await _compare(sync, exchange) if differs else []
    # What a supervisor has accepted meanwhile differs no more.
    binding = exchange.state.binding
    sync.differing = [waiting for waiting in differing if binding(waiting[0]) != waiting[1]]
    return code, notices


def _tokens(exchange):
    tokens = []
    for slot in range(1, keys.SLOTS + 1):
        tlvs = exchange.state.binding(slot)
        if tlvs is not None:
            tokens.append((slot, exchange.identity.token(tlvs)))
    return tokens


async def _compare(sync, exchange):
    # Fetch what the acquirer has in each slot; an empty slot is filled, another one announced.
    differing = []
    for slot in range(1, keys.SLOTS + 1):
        if sync.is_pending(slot):
            continue  # its settlement decides
        theirs = await _slot(exchange, slot)
        ours = exchange.state.binding(slot)
        if theirs is not None and ours is None:
            sync.accept(slot, theirs, audit.NOBODY)
        elif theirs != ours:
            differing.append((slot, theirs))
    return differing


async def _slot(exchange, slot):
    # The TLVs of a slot's binding (0300, 91=5), None when nothing is bound. NoAnswer also when the
    # answer is an error or doesn't match its own token.
    exchange.begin(FILE, exchange.state.next_stan(), exchange.clock.now())
    exchange.text(91, b"5")
    exchange.text(101, b"SETTLEBIND")
    exchange.open_tlvs()
    exchange.tlv(SLOT, bytes((slot,)))
    exchange.close_tlvs()
    reply = await exchange.ask(FILE)
    if reply.code == b"00" and reply.status == answers.UNKNOWN:
        return None
    tlvs = reply.unsealed()
    token = reply.value(TOKEN)
    good = reply.code == b"00" and tlvs is not None and len(tlvs) <= BINDING_MAX
    if not good or token != exchange.identity.token(tlvs):
        raise NoAnswer(0)
    return tlvs


def _take_time(exchange, now):
    if now:
        exchange.clock.set(now)
        now = exchange.clock.now()  # what it took of it
        if abs(now - exchange.state.number(keys.TIME)) > _SAVE_TIME_S:
            exchange.state.put_number(keys.TIME, now)


def _is_number(merchant):
    # Fifteen characters that DE 42 can carry.
    return len(merchant) == 15 and all([0x20 <= byte <= 0x7E for byte in merchant])


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
