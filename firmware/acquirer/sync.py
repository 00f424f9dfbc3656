"""Keeping in step with the acquirer: when to talk, and about what.

What always holds: one conversation at a time; a request that is under way is settled before
bindings are compared. May import rooms, crypto.wipe and binding.change.
"""

import asyncio

from micropython import const

from firmware import rooms
from firmware.acquirer import profile
from firmware.binding import change
from firmware.binding.change import NO_CODE, NO_ROOM, NoAnswer, Outcome
from firmware.crypto.wipe import wipe

NEVER = const(0)  # what became of the last attempt to reach the acquirer
REACHED = const(1)
UNREACHED = const(2)
DECLINED = const(3)

EVERY_S = const(900)  # a sign-on while there is nothing else to say

# Between two looks, while resting, whether the network has come back or somebody wants something;
# a variable, since where time is made up every look costs.
LOOK_S = 1

_NO_ROOM_S = const(30)
_TURN_S = 0.1  # between two looks whether the line is free
_SECRETS_S = const(90)  # a one-time code is good for its step and the next: 60 s at most, and some


class Sync:
    """The terminal's standing errand at the acquirer.

    line: line.Line or its like. change: binding.change.Change. state, clock, wifi: as in terminal.

    holders: what the account holder may be called, as TLVs of DF30, from the last sign-on. policy:
    DF48. differing: (slot, TLVs) of bindings that changed elsewhere and wait for the supervisor:
    None where one was unbound, empty where it can't be read. faulty: the last sign-on brought data
    that is not of the table, and was left out.
    reached: what became of the last sign-on, one of the four above; trouble: the link's error
    code, code: DE 39 of it; reached_at: when one was last answered 00, Unix epoch, 0 if never.
    last_outcome: of the last try about the request under way, or the one that ended it; None
    before the first. watched: set while a person looks at a request that is under review: all that
    is asked goes over one connection then, which is whoever set it's to close. talking: a
    conversation is under way. tries, doubt: of `pause` and `taking`.
    """

    def __init__(self, line, change_, state, clock, wifi):
        self.line = line
        self.change = change_
        self.state = state
        self.clock = clock
        self._wifi = wifi
        self.talking = False
        self._woken = False
        self._sending = False  # records: the acquirer asks only until the first ones have come
        self._secrets = None  # of the request under way, while they are of use
        self._secrets_until = 0
        self.holders = b""
        self.policy = 0
        self.differing = []
        self.faulty = False
        self.reached = NEVER
        self.reached_at = 0
        self.trouble = 0
        self.code = b"--"
        self.last_outcome = None
        self.watched = False
        self.tries = 0
        self.doubt = None

    @property
    def names(self):
        """The names in `holders`, as a list of UTF-8 bytes made anew each time. Raises NoRoom."""
        return rooms.ask("firmware.acquirer.holders", "listed", self.holders)

    async def run(self):
        """Stay in step for ever: settle what is pending, sign on now and then, see `pause`."""
        while True:
            seconds = EVERY_S
            if self._wifi.connected:
                reached = await self.once()
                try:
                    seconds = rooms.ask("firmware.acquirer.pause", "rest", self, reached)
                except MemoryError:
                    seconds = _NO_ROOM_S
            await self._rest(seconds)

    def wake(self):
        """Talk soon, and as often as if nothing had failed: a person wants to know."""
        self._woken = True
        self.tries = 0

    async def _rest(self, seconds):
        linked = self._wifi.connected
        while seconds > 0 and not self._woken:
            self._expire()  # secrets are not kept longer for having nothing to do
            await asyncio.sleep(min(seconds, LOOK_S))
            seconds -= LOOK_S
            before, linked = linked, self._wifi.connected
            if linked and not before:
                self.wake()
        self._woken = False

    async def once(self):
        """Settle what is pending, then sign on: while somebody watches, only when that is due.
        Returns False when the acquirer was not reached.
        """
        pending = self.change.phase in (change.SENT, change.REVIEW, change.HELD)
        sign_on = not (self.watched and self.reached == REACHED)
        sign_on |= not 0 <= self.clock.now() - self.reached_at < EVERY_S
        try:
            await self._talk(pending, sign_on, True)  # who watches clears the notice on seeing it
        except NoAnswer:
            return False
        return True

    async def settle(self, withdraw=None):
        """Ask once about the pending request, or have it taken back for the operator `withdraw`.
        Returns the Outcome, the last one when it has been settled meanwhile.

        Raises NoAnswer while the acquirer is out of reach: nothing has been sent then.
        """
        if withdraw:
            self.forget()  # nobody wants it sent again
        return await self._talk(True, False, False, withdraw)

    async def sign_on(self):
        """Sign on: take time, names, policy and notices. Raises NoAnswer; `reached` tells the
        rest.
        """
        await self._talk(False, True)

    async def look_up(self, *asked):
        """Ask the directory of banks, see `directory`. Raises NoAnswer."""
        return await self._talk(False, False, asked=asked)

    async def _talk(self, settle, sign_on, alone=False, withdraw=None, asked=None):
        outcome = None
        trouble = -1
        while self.talking:
            await asyncio.sleep(_TURN_S)
        self.talking = True
        try:
            if settle and self.change.phase == change.IDLE:
                outcome = self.last_outcome  # settled while somebody waited for the line
                settle = False
            if settle or sign_on or asked:
                await self.line.reach()
                self.line.take()
            if asked:
                outcome = await rooms.ask(
                    "firmware.acquirer.directory", "look_up", self.line, *asked
                )
            if settle:
                outcome = await self._settle(alone, withdraw)
                if alone and outcome.lost():
                    raise NoAnswer(outcome.trouble)  # the line is gone, for this reason
            if sign_on:
                await self._sign_on(alone)
        except MemoryError:
            trouble = NO_ROOM  # a person's errand fills it: later
        except NoAnswer as error:
            trouble = error.code
        except (ValueError, LookupError):
            trouble = 0  # it was said in no form that we know
        finally:
            closing = True
            try:
                self.line.leave()
                closing = trouble >= 0 or not self.watched
            finally:
                try:
                    if closing:
                        await self.line.close()
                finally:
                    self.talking = False
        if trouble < 0:
            return outcome
        if (sign_on or alone) and trouble != NO_ROOM:
            self.reached, self.trouble = UNREACHED, trouble
        if settle and outcome is None:
            self.last_outcome = Outcome()  # what was known of it before is no news
            self.last_outcome.trouble = trouble
        raise NoAnswer(trouble)

    def keep(self, secrets):
        """Take over the secrets of the request under way, as binding.change has them; wiped when
        settled or no longer of use.
        """
        self.forget()
        self._secrets = secrets
        self._secrets_until = self.clock.now() + _SECRETS_S

    def forget(self):
        """Overwrite the secrets: the request is settled, or has been given up."""
        for _, secret in self._secrets or ():
            wipe(secret)
        self._secrets = None

    def _expire(self):
        if not 0 <= self._secrets_until - self.clock.now() <= _SECRETS_S:  # or the clock was set
            self.forget()

    async def _settle(self, alone, withdraw=None):
        self._expire()
        if self.change.phase == change.STORED and self._secrets is None:
            raise NoAnswer(NO_CODE)  # sent without it, it would only be refused
        outcome = await self.change.settle(self.line, self._secrets, alone, withdraw)
        self.last_outcome = outcome
        if self.change.phase != change.SENT:
            self.forget()
        if self.change.phase == change.IDLE:
            self._woken = True  # to sign on
            if outcome.event == change.ACTIVE:
                self.differing = []  # of its slot; the sign-on says of the others
        return outcome

    async def _sign_on(self, alone):
        self._woken = False
        notices = await rooms.ask("firmware.acquirer.sign_on", "run", self)
        if notices & profile.DECIDED and self.change.phase in (change.REVIEW, change.HELD):
            await self._settle(True)  # whoever signs on sees a page that does not tell of it
        if notices & profile.WANTS_RECORDS or self._sending:
            self._sending = True
            try:
                await rooms.ask("firmware.acquirer.upload", "run", self)
                self._sending = False
            except (NoAnswer, MemoryError):
                if alone:
                    raise  # tried again soon; a person has what was asked for
