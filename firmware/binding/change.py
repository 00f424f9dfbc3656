"""The change of a binding: a persisted state machine that only the acquirer's answer settles.

What always holds:
- the request is on flash before the first byte of it is sent;
- a lost answer is neither a refusal nor a success: the request stays and is asked for again;
- commit is one journal record: new binding current, old one backup, request gone, change record
added.

Knows neither screen nor wire: it is given the state and a host that composes and asks (PROTOCOL,
"Exactly once"). What is needed while nothing happens is here; what decides and what is stored is
`transition`, and what the request says is `request`. May import rooms and storage.state.
"""

from micropython import const

from firmware import rooms
from firmware.storage import state as store

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
WITHDRAWN = const(9)  # it was taken back, and the acquirer will never accept it

# What a host is to say about the request
SUBMIT = const(0)  # it, for the first time
REPEAT = const(1)  # it, once more
INQUIRE = const(2)  # what became of it?
WITHDRAW = const(3)  # it is to be taken back

# What goes with a request and is never stored: pairs of one of these tags and a bytearray
CVV2 = const(0xDF38)  # of the card
CODE = const(0xDF3A)  # the owner's one-time code

# Response codes, DE 39, that mean more than the event
MALFORMED = const(b"30")
REFUSED_BY_OWNER = const(b"59")  # or taken back, once that was asked for

# Kind of a refusal, DF4B
MEND = const(1)  # the field that is named
TAKE_ANOTHER = const(2)  # account or card
WAIT = const(3)  # until Outcome.effective where that is said
SPEAK_WITH_OWNER = const(4)
CALL = const(5)  # the acquirer

NO_ANSWER = b"--"  # stands for DE 39 where there was none that can be read

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
    """What became of one exchange about a request."""

    event = UNSETTLED  # one of the events above
    code = NO_ANSWER  # DE 39
    note = ""  # DF41 without the tag at fault
    fault_tag = 0  # that tag
    reference = b" " * 12  # DE 37
    application = ""  # DF43
    effective = 0  # DF42: from when on, Unix epoch; 0: not said
    again_s = 0  # DF4A: ask again after so long; 0: not said
    kind = 0  # DF4B, one of the five above; 0: not said
    trouble = 0  # a link error code

    def lost(self):
        """Tell whether there was no answer at all."""
        return self.event == UNSETTLED and self.code == NO_ANSWER


class Change:
    """The one request of this terminal, from proposal to settlement.

    state: storage.state.State. clock: has now().
    """

    def __init__(self, state, clock):
        self.state = state
        self.clock = clock
        self._repeat_next = True  # after power loss as after a lost answer: repeat, then inquire
        self._withdraw = None  # who has asked for that, until an answer to it has come

    @property
    def phase(self):
        """The state of the request under way: one of the five above."""
        state = self.state
        if not state.has(store.PENDING) or not state.has(store.PENDING_TLVS):
            return IDLE
        return state.get(store.PENDING_STATE)[0]

    def cancel(self):
        """Forget the request; only possible while it was never sent. Raises NotPossible."""
        self._on(CANCEL)

    async def settle(self, host, secrets=None, notice=False, withdraw=None):
        """Ask the acquirer once about the pending request and act on what it says.

        host: has compose(how, secrets), where a withdrawal has its operator for secrets, and
        async ask() -> Outcome, which raises NoAnswer.
        secrets: what goes with it and is never stored, ascending, or None; the caller wipes it.
        notice: nobody is watching, so the end is to be noted for the next person (store.NOTICE).
        withdraw: the operator, two ASCII digits, who asks to have it taken back; supervisor 00 has
        approved that. Until power goes nothing else is said of it then before that was answered.
        Returns the Outcome; the phase afterwards tells what became of the request. To be called
        once the acquirer is in reach: what was sent can no longer be cancelled.
        Raises rooms.NoRoom: nothing was sent, or the answer is to be asked for again.
        """
        phase = self.phase
        how = INQUIRE
        if withdraw:
            self._withdraw = withdraw
        if self._withdraw:
            how, secrets = WITHDRAW, self._withdraw
        elif phase == STORED:
            how = SUBMIT
        elif phase == SENT and self._repeat_next:
            how = REPEAT
        host.compose(how, secrets)
        if how == SUBMIT:
            self._on(SEND)  # on flash before the first byte leaves
        self._repeat_next = True
        try:
            outcome = await host.ask()
        except NoAnswer as error:
            outcome = Outcome()
            outcome.trouble = error.code
        if not outcome.lost():
            self._withdraw = None
        if how == REPEAT:
            self._repeat_next = outcome.event == NO_SUCH
        self._on(outcome.event, outcome, notice, how)
        return outcome

    def _on(self, event, outcome=None, notice=False, how=SUBMIT):
        # What decides is gone again before it is written.
        decided = rooms.ask(
            "firmware.binding.transition", "decide", self, event, outcome, notice, how
        )
        if decided is not None:
            self.state.put(*decided)
