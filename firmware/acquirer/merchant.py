"""Which merchant number the terminal goes by (DE 42), and how it gets another.

What always holds: no number that the acquirer gives can make the terminal mute. It has the form
that a message can carry, and the one before and the one that was provisioned are kept: when the
acquirer does not know one (03), the next of the three is tried. May import storage.
"""

from micropython import const

from firmware.storage import audit
from firmware.storage import state as store

_LEN = const(15)


def begin(state, identity):
    """At start: go by the number that was used last."""
    identity.merchant = _kept(state, identity)[0]


def take(sync, number, puts):
    """The acquirer knows the number in use, and gives `number` (DF47, or None) from now on: what
    has changed is to be stored, and is added to `puts`. Returns False when it gives one that has
    not the right form, or that it has itself not known: were that taken again, each sign-on would
    be told to the audit log.
    """
    identity = sync.line.identity
    before = _kept(sync.state, identity)[0]
    if before != identity.merchant:
        if number == before:
            return False
        puts.append(_stored(sync, identity.merchant, before))
    if number is None or number == identity.merchant:
        return True
    if not _fits(number):
        return False
    puts.append(_stored(sync, number, identity.merchant))
    identity.merchant = number
    return True


def other(state, identity):
    """The acquirer does not know the number: go by the next one, in memory. Returns False when
    there is none.
    """
    numbers = _kept(state, identity)
    at = numbers.index(identity.merchant) + 1 if identity.merchant in numbers else 0
    identity.merchant = numbers[at % len(numbers)]
    return len(numbers) > 1


def _stored(sync, number, before):
    entry = audit.entry(audit.MERCHANT, sync.clock.now(), detail=number)
    changes = (store.MERCHANT, number + before), (store.MERCHANT_NEW, b"\1")
    return changes, entry


def _kept(state, identity):
    # The current number, the one before and the provisioned one, each once.
    stored = state.get(store.MERCHANT) or b""
    numbers = []
    for number in (stored[:_LEN], stored[_LEN:], identity.provisioned):
        if number not in numbers and (_fits(number) or number == identity.provisioned):
            numbers.append(number)
    return numbers


def _fits(number):
    # 15 letters or digits.
    for byte in number:
        letter = 0x41 <= byte <= 0x5A or 0x61 <= byte <= 0x7A
        if not letter and not 0x30 <= byte <= 0x39:
            return False
    return len(number) == _LEN
