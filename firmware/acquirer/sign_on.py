"""Signing on: what the acquirer says of time, names and policy, and which bindings differ.

What always holds: a binding that differs is replaced only by what the acquirer's authenticated
answer says, and only after a supervisor accepted it, unless the slot was empty; one that is not of
the table is not stored, but in the way. What it takes in is `taking`. May import rooms, sync,
profile, binding, crypto.wipe, storage.
"""

from micropython import const

from firmware import rooms
from firmware.acquirer import profile
from firmware.acquirer.profile import FAILURES, SEALED, SLOT, STATUS, TOKEN
from firmware.acquirer.sync import DECLINED, REACHED
from firmware.binding import change
from firmware.binding.request import SLOT_AT
from firmware.crypto.wipe import wipe
from firmware.storage import audit
from firmware.storage import state as store

_NUMBERS = const(3)  # merchant numbers that there may be


async def run(sync):
    """Sign on (0800, 70=001) and take in what the acquirer says, for `sync`: its code, reached and
    trouble tell what became of it.

    Returns the notices (DF45). Raises NoAnswer, rooms.NoRoom.
    """
    tokens = _tokens(sync)
    failed = rooms.ask("firmware.access.failed", "told", sync.state, sync.line.board.keystore)
    data = tokens + [(FAILURES, failed)] if failed else tokens
    for _ in range(_NUMBERS):
        said = await sync.line.talk(
            profile.OF_SIGN_ON,
            {
                profile.MTI: profile.NETWORK,
                profile.NETWORK_CODE: profile.SIGN_ON,
                profile.DATA: data,
            },
        )
        code = said[profile.CODE]
        if code != profile.NO_MERCHANT:
            break
        if not rooms.ask("firmware.acquirer.merchant", "other", sync.state, sync.line.identity):
            break
    notices = 0
    reached = DECLINED
    if code == profile.APPROVED:
        notices, puts = rooms.ask("firmware.acquirer.announced", "take", sync, said)
        for changes, entry in puts:
            sync.state.put(changes, entry)
        differing = []
        if notices & profile.DIFFERS or not tokens:
            code = await _compare(sync, differing)
    if code == profile.APPROVED:
        # What a supervisor has accepted meanwhile differs no more.
        binding = sync.state.binding
        sync.differing = [waiting for waiting in differing if binding(waiting[0]) != waiting[1]]
        sync.reached_at = sync.clock.now()
        reached = REACHED
    sync.code, sync.trouble, sync.reached = code, 0, reached
    return notices


def _tokens(sync):
    # DF12 and DF44 of each slot that is bound.
    tokens = []
    for slot in range(1, store.SLOTS + 1):
        tlvs = sync.state.binding(slot)
        if tlvs is not None:
            tokens.append((SLOT, bytes((slot,))))
            tokens.append((TOKEN, sync.line.identity.token(tlvs)))
    return tokens


async def _compare(sync, differing):
    # Fetch what the acquirer has in each slot; an empty slot is filled, another one announced.
    # Returns 00, or the code of an inquiry that was declined: nothing is known then.
    for slot in range(1, store.SLOTS + 1):
        if is_pending(sync.change, slot):
            continue  # its settlement decides
        code, theirs = await _slot(sync.line, slot)
        if code != profile.APPROVED:
            return code
        if theirs is not None and not rooms.ask("firmware.binding.checked", "is_binding", theirs):
            sync.faulty = True
            differing.append((slot, b""))  # nothing that this terminal asks for fits it
        else:
            ours = sync.state.binding(slot)
            if theirs is not None and ours is None:
                who = audit.NOBODY
                rooms.ask("firmware.acquirer.taking_over", "take_over", sync, slot, theirs, who)
            elif theirs != ours:
                differing.append((slot, theirs))  # until somebody has looked at it
                continue
        if theirs:
            wipe(theirs)
    return profile.APPROVED


def is_pending(change_, slot):
    """Tell whether the acquirer may be deciding on a request for `slot`."""
    return change_.phase > change.STORED and change_.state.get(store.PENDING)[SLOT_AT] == slot


async def _slot(line, slot):
    # DE 39, and the TLVs of a slot's binding (0300, 91=5): None when nothing is bound, none at all
    # when they don't match their own token. Raises NoAnswer.
    said = await line.talk(
        profile.OF_SLOT,
        {
            profile.MTI: profile.FILE,
            profile.UPDATE: profile.INQUIRE,
            profile.FILE_NAME: profile.BINDINGS,
            profile.DATA: ((SLOT, bytes((slot,))),),
        },
    )
    code, tlvs = said[profile.CODE], said[SEALED]
    if said[STATUS] == bytes((profile.UNKNOWN,)):
        return code, None
    if tlvs and said[TOKEN] == line.identity.token(tlvs):
        return code, tlvs
    if tlvs:
        wipe(tlvs)
    return code, b""
