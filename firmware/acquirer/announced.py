"""What is taken in of an 0810: time, names, policy, notices and merchant number.

What always holds: only what a sign-on is for is mandatory; a name or a merchant number that is not
of its form is left out, and said (Sync.faulty). May import rooms, merchant, binding, storage,
card.tlv.
"""

from array import array

from micropython import const

from firmware import rooms
from firmware.acquirer import merchant, profile
from firmware.binding.change import NoAnswer
from firmware.binding.legible import clean
from firmware.binding.model import NAME
from firmware.binding.rules import NAME_MAX
from firmware.card import tlv
from firmware.storage import state as store

_SAVE_TIME_S = const(3600)
_DAY_S = const(86400)
_MINUTE_S = const(60)


def take(sync, said):
    """Take in what `sign_on` wanted of an 0810 with 00; return the notices, and what is to be
    put once this is out of memory. Raises NoAnswer when one of those is missing that a sign-on is
    for.
    """
    notices, time, policy = said[profile.NOTICES], said[profile.CLOCK], said[profile.POLICY]
    for value, length in ((notices, 1), (time, 4), (policy, 1)):
        if value is None or len(value) != length:
            raise NoAnswer(0)
    puts = []
    _take_time(sync, int.from_bytes(time, "big"), puts)
    sync.policy = policy[0]
    sync.faulty = not merchant.take(sync, said[profile.NEW_MERCHANT], puts)
    if said[profile.SEALED] is not None:
        _take_names(sync, said[profile.SEALED])
    return notices[0], puts


def _take_time(sync, theirs, puts):
    clock = sync.clock
    ours = clock.now()
    if abs(theirs - ours) > _DAY_S and not _said_twice(sync, theirs - ours, ours):
        return
    sync.doubt = None
    clock.set(theirs)
    now = clock.now()  # what it took of it
    changes = ()
    if abs(now - ours) > _MINUTE_S:
        changes = rooms.ask("firmware.access.shifting", "put_off", sync.state, ours, now - ours)
    if not changes and abs(now - sync.state.number(store.TIME)) > _SAVE_TIME_S:
        changes = ((store.TIME, now.to_bytes(4, "big")),)
    if changes:
        puts.append((changes, None))


def _said_twice(sync, apart, ours):
    # A time that is more than a day off has to be said again a minute later.
    if sync.doubt is None or abs(sync.doubt[0] - apart) > _MINUTE_S or sync.doubt[1] > ours:
        sync.doubt = apart, ours
    return ours - sync.doubt[1] >= _MINUTE_S


def _take_names(sync, tlvs):
    found = array("i", bytes(4 * tlv.OUT_LEN))
    kept = bytearray()
    pos = 0
    while pos < len(tlvs):
        start = pos
        pos = tlv.step(tlvs, pos, len(tlvs), found)
        if pos < 0:
            sync.faulty = True
            break
        if found[0] != NAME:
            continue
        if clean(tlvs[found[1] : found[1] + found[2]], NAME_MAX):
            kept.extend(tlvs[start:pos])
        else:
            sync.faulty = True
    sync.holders = bytes(kept)
