"""The change of a binding: a persisted state machine that only the acquirer's answer settles.

What always holds:
- the request is on flash before the first byte of it is sent;
- a lost answer is neither a refusal nor a success: the request stays and is asked for again;
- commit is one journal record: new binding current, old one backup, request gone, change record
added.

Knows neither screen nor wire: it is given the state and a host with `submit`, `repeat` and
`inquire` (PROTOCOL, "Exactly once"). May import binding, storage and crypto.wipe only.
"""

from micropython import const

from firmware.binding import model
from firmware.binding.model import Request
from firmware.crypto.wipe import wipe
from firmware.storage import audit
from firmware.storage import state as keys

# State of the request under way, as stored
IDLE = const(0)  # there is none
STORED = const(1)  # stored, never sent: may still be cancelled
SENT = const(2)  # sent, answer unknown: repeat, then inquire, with back-off
REVIEW = const(3)  # the acquirer is looking at it: ask at each sync
HELD = const(4)  # the acquirer can't be talked to about it: show why, ask at sync or on request

# Events: what the acquirer said, or what happened instead
SEND = const(0)  # about to be sent
CANCEL = const(1)  # the person gives up
ACTIVE = const(2)  # 00/01
REVIEWING = const(3)  # 09/02
REJECTED = const(4)  # refusal/03
NO_SUCH = const(5)  # 00/04: unknown to the acquirer
UNSETTLED = const(6)  # no answer, or one that settles nothing: keep asking
STUCK = const(7)  # 30 40 58 97 03 without DF40: stop repeating by oneself
SUPERSEDED = const(8)  # it was accepted, but the slot has since been given another binding

# Actions
NOTHING = const(0)
KEEP = const(1)  # store the new state
COMMIT = const(2)  # the new binding is true
DROP = const(3)  # the request is gone, a record of how it ended stays
FORGET = const(4)  # the request is gone without a trace at the acquirer
REFUSE = const(5)  # can't be done in this state

# A byte for each state and event: the next state and the action, a hexadecimal digit each.
# Nothing is sent before STORED is left, so no answer can be for a request in that state.
_EVENTS = const(9)
_TABLE = (
    # SEND CANCEL ACTIVE REVIEWING REJECTED NO_SUCH UNSETTLED STUCK SUPERSEDED
    b"\x05\x05\x00\x00\x00\x00\x00\x00\x00"  # IDLE
    b"\x21\x04\x15\x15\x15\x10\x10\x10\x15"  # STORED
    b"\x20\x25\x02\x31\x03\x20\x20\x41\x03"  # SENT
    b"\x30\x35\x02\x30\x03\x21\x30\x41\x03"  # REVIEW
    b"\x40\x45\x02\x31\x03\x21\x40\x40\x03"  # HELD
)


# Codes of a NoAnswer that are not the link's
NO_ROOM = const(8)  # the terminal's memory is full
NO_CODE = const(9)  # the owner's one-time code has run out before the request could be sent


class NotPossible(Exception):
    """What was asked for can't be done in the request's present state."""


class NoAnswer(Exception):
    """The acquirer did not answer. `code`: the link's error code, 0 for a wrong answer."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Outcome:
    """What became of one exchange about a request.

    event: one of the events above. code: DE 39, or `--` when there was none. status: DF40 or 0.
    note: DF41 without the tag at fault. fault_tag: that tag, or 0. reference: DE 37, 12 bytes.
    application: DF43. effective: DF42 or 0. token: DF44 or None. trouble: a link error code, 0
    when there was none.
    """

    def __init__(self):
        self.event = UNSETTLED
        self.code = b"--"
        self.status = 0
        self.note = ""
        self.fault_tag = 0
        self.reference = b" " * 12
        self.application = ""
        self.effective = 0
        self.token = None
        self.trouble = 0


class Secrets:
    """What goes with a request and is never stored: the owner's one-time code, a card's CVV2."""

    def __init__(self, code):
        self.code = code
        self.cvv2 = None

    def wipe(self):
        """Overwrite both."""
        for secret in (self.code, self.cvv2):
            if secret is not None:
                wipe(secret)
        self.code = self.cvv2 = None


class Change:
    """The one request of this terminal, from proposal to settlement.

    state: storage.state.State. clock: has now(). secrets given to `submit` are the caller's to
    wipe.
    """

    def __init__(self, state, clock):
        self._state = state
        self._clock = clock
        stored = state.get(keys.PENDING)
        tlvs = state.get(keys.PENDING_TLVS)
        known = stored is not None and tlvs is not None
        self.request = Request.unpack(stored, tlvs) if known else None
        self.phase = state.get(keys.PENDING_STATE)[0] if known else IDLE
        self._repeat_next = True  # after power loss as after a lost answer: repeat, then inquire

    def begin(self, request):
        """Store `request` as the pending one.

        Raises NotPossible while another is pending. Power loss before it returns leaves none.
        """
        if self.phase != IDLE:
            raise NotPossible
        self._state.put(
            (
                (keys.PENDING, request.pack()),
                (keys.PENDING_TLVS, request.tlvs),
                (keys.PENDING_STATE, bytes((STORED,))),
            ),
            self._entry(request, audit.REQUEST + STORED, None),
        )
        self.request = request
        self.phase = STORED

    def cancel(self):
        """Forget the request; only possible while it was never sent. Raises NotPossible."""
        self._on(CANCEL, None)

    async def settle(self, host, secrets=None, notice=False):
        """Ask the acquirer once about the pending request and act on what it says.

        host: has async submit, repeat, inquire(request[, secrets]) -> Outcome. secrets: the
        owner's one-time code and CVV2, which are never stored, or None. notice: nobody is
        watching, so the end is to be noted for the next person (keys.NOTICE).
        Returns the Outcome; the phase afterwards tells what became of the request. To be called
        once the acquirer is in reach: what was sent can no longer be cancelled.
        """
        request = self.request
        if self.phase == STORED:
            self._on(SEND, None)
            outcome = await host.submit(request, secrets)
            self._repeat_next = True
        elif self.phase == SENT and self._repeat_next:
            outcome = await host.repeat(request, secrets)
            self._repeat_next = False
        else:
            outcome = await host.inquire(request)
            self._repeat_next = True
        if outcome.event == NO_SUCH:
            self._repeat_next = True
        self._on(outcome.event, outcome, notice)
        return outcome

    def _on(self, event, outcome, notice=False):
        step = _TABLE[self.phase * _EVENTS + event]
        phase, action = step >> 4, step & 15
        request = self.request
        if action == REFUSE:
            raise NotPossible
        if action == KEEP:
            entry = self._entry(request, audit.REQUEST + phase, outcome)
            self._state.put(((keys.PENDING_STATE, bytes((phase,))),), entry)
        elif action != NOTHING:
            changes = [(keys.PENDING, None), (keys.PENDING_STATE, None)]
            if action == COMMIT:
                changes += self._state.binding_changes(request.slot, keys.PENDING_TLVS)
            else:
                changes.append((keys.PENDING_TLVS, None))
            if notice:
                changes.append((keys.NOTICE, bytes((event == ACTIVE,))))
            if outcome is not None:
                changes += self._state.record_changes(
                    model.record(request, outcome, self._clock.now())
                )
            self._state.put(changes, self._entry(request, audit.ENDED + event, outcome))
            self.request = None
        self.phase = phase

    def _entry(self, request, event, outcome):
        detail = "%d %s" % (request.slot, model.truncated(model.number(request.tlvs) or b""))
        code = b"--"
        if outcome is not None:
            code = outcome.code
            detail = ("%s %s" % (detail, outcome.reference.decode())).rstrip()
        return audit.entry(event, self._clock.now(), request.operator, code, detail.encode())
