"""What the audit log tells: codes of events, and the bytes of an entry.

Entries ride in the record of the transition that they tell of. They hold masked data only; their
numbers and chain are not stored with them (see journal). Codes are never reused. Imports nothing
of the house.
"""

from struct import pack

from micropython import const

FORMATTED = const(1)  # the first state was begun
RIGHT = const(2)  # an operator's password was right
WRONG = const(3)  # it was wrong
LOCKED = const(4)  # it was wrong once too often
PASSWORD = const(5)  # a password was set
TAKEN = const(6)  # the acquirer's binding of a slot was made ours
MERCHANT = const(7)  # the acquirer gave another merchant number
LOST = const(8)  # entries gave way before the acquirer had them: up to which number
ADDED = const(0x0A)  # an operator was added, or unlocked: the number
GONE = const(0x0B)  # one was deleted or locked by the supervisor: the number
PROVIDER = const(0x0C)  # a password was set after the provider's response
BUILD = const(0x0D)  # another build runs: its manifest's hash
CONSOLE = const(0x0E)  # the console was opened by the provider's response, or to provision it
NEEDS_SERVICE = const(0x0F)  # a fault was met that a start does not mend: its code

REQUEST = const(
    0x10
)  # + state in binding.change: a request was stored, sent, put under review ...
ENDED = const(0x20)  # + event in binding.change: accepted, refused, superseded, cancelled

NOBODY = b"--"

_DETAIL_MAX = const(64)


def entry(event, time, operator=NOBODY, outcome=b"--", detail=b""):
    """Return an audit entry as bytes: time(4) event(1) operator(2) outcome(2) detail.

    time: Unix epoch. operator: two ASCII digits. outcome: DE 39 or `--`. detail: masked, UTF-8, at
    most 64 bytes.
    """
    most = _DETAIL_MAX
    if len(detail) > most:
        while detail[most] & 0xC0 == 0x80:  # no character is cut
            most -= 1
    return pack(">IB2s2s", time, event, operator, outcome) + detail[:most]
