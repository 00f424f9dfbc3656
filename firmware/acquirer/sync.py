"""Keeping in step with the acquirer: when to talk, and about what.

What always holds: one conversation at a time; a request that is under way is settled before
bindings are compared. What signing on takes is in memory only meanwhile. May import rooms,
crypto.wipe and binding.change.
"""

import asyncio

from micropython import const

from firmware import rooms
from firmware.binding import change
from firmware.binding.change import NO_CODE, NO_ROOM, NoAnswer
from firmware.crypto.wipe import wipe

NEVER = const(0)  # what became of the last attempt to reach the acquirer
REACHED = const(1)
UNREACHED = const(2)
DECLINED = const(3)

_RECORDS = const(4)  # DF45
_DECIDED = const(8)

_EVERY_S = const(900)  # a sign-on while nothing is pending
_FIRST_S = const(4)  # the first repetition after a lost answer; doubled each time
_LONGEST_S = const(300)
_TURN_S = 0.1  # between two looks whether the line is free
_STEP_S = const(15)
_SECRETS_S = const(90)  # a one-time code is good for its step and the next: 60 s at most, and some


class Sync:
    """The terminal's standing errand at the acquirer.

    line: line.Line or its like. change: binding.change.Change. state, clock, wifi: as in terminal.

    names: what the account holder may be called, as UTF-8 bytes, from the last sign-on. policy:
    DF48. differing: (slot, TLVs or None) of bindings that changed elsewhere and wait for the
    supervisor. reached: one of the four above; trouble: the link's error code; code: DE 39 of the
    last sign-on.
    """

    def __init__(self, line, change_, state, clock, wifi):
        self.line = line
        self.change = change_
        self.state = state
        self.clock = clock
        self._wifi = wifi
        self._talking = False
        self._resting = None  # a task, while nothing is to be done
        self._woken = False
        self._secrets = None  # of the request under way, while they are of use
        self._secrets_until = 0
        self.names = []
        self.policy = 0
        self.differing = []
        self.reached = NEVER
        self.trouble = 0
        self.code = b"--"
        self.last_outcome = None

    async def run(self):
        """Stay in step for ever: settle what is pending with back-off, sign on now and then."""
        pause = _FIRST_S
        while True:
            if self._wifi.connected:
                done = await self.once()
                urgent = self.change.phase == change.SENT or not done
                pause = min(pause * 2, _LONGEST_S) if urgent else _EVERY_S
            else:
                pause = _FIRST_S
            await self._rest(pause)
            if pause == _EVERY_S:
                pause = _FIRST_S // 2

    def wake(self):
        """Talk soon: a person has stopped waiting for an answer that is still to come."""
        self._woken = True
        if self._resting is not None:
            self._resting.cancel()

    async def _rest(self, seconds):
        self._resting = asyncio.create_task(self._wait(0 if self._woken else seconds))
        try:
            await self._resting
        except asyncio.CancelledError:
            if not self._woken:
                raise  # it is the sync itself that is to end
        self._resting = None
        self._woken = False

    async def once(self):
        """Settle what is pending, then sign on. Returns False when the acquirer was not
        reached.
        """
        pending = self.change.phase in (change.SENT, change.REVIEW, change.HELD)
        try:
            await self._talk(pending, True, True)
        except NoAnswer:
            return False
        return True

    async def settle(self):
        """Ask once about the pending request. Returns the Outcome, the last one when it has been
        settled meanwhile.

        Raises NoAnswer while the acquirer is out of reach: nothing has been sent then.
        """
        return await self._talk(True, False)

    async def sign_on(self):
        """Sign on: take time, names, policy and notices. Raises NoAnswer; `reached` tells the
        rest.
        """
        await self._talk(False, True)

    async def _talk(self, settle, sign_on, alone=False):
        outcome = None
        while self._talking:
            await asyncio.sleep(_TURN_S)
        self._talking = True
        try:
            await self.line.reach()
            self.line.take()
            if settle:
                outcome = await self._settle(alone)
            if sign_on:
                await self._sign_on()
        except rooms.NoRoom:
            raise NoAnswer(NO_ROOM) from None  # a person's errand fills it: later
        except NoAnswer as error:
            if sign_on:
                self.reached, self.trouble = UNREACHED, error.code
            raise
        finally:
            self.line.leave()
            try:
                await self.line.close()
            finally:
                self._talking = False
        return outcome

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
        if self.clock.now() > self._secrets_until:
            self.forget()

    async def _settle(self, alone):
        if self.change.phase == change.IDLE:
            return self.last_outcome  # settled while somebody waited for the line
        self._expire()
        if self.change.phase == change.STORED and self._secrets is None:
            raise NoAnswer(NO_CODE)  # sent without it, it would only be refused
        outcome = await self.change.settle(self.line, self._secrets, alone)
        self.last_outcome = outcome
        if self.change.phase != change.SENT:
            self.forget()
        return outcome

    async def _sign_on(self):
        self.code, notices = await rooms.follow("firmware.acquirer.sign_on", self)
        self.trouble = 0
        self.reached = REACHED if self.code == b"00" else DECLINED
        if notices & _DECIDED and self.change.phase in (change.REVIEW, change.HELD):
            await self._settle(True)
        if notices & _RECORDS:
            await rooms.follow("firmware.acquirer.upload", self)

    def accept(self, slot, tlvs, operator):
        """Make the acquirer's binding of `slot` ours; the old one stays as backup.

        operator: who accepted it, audit.NOBODY when the slot was empty.
        """
        rooms.run("firmware.acquirer.accepting", self, slot, tlvs, operator)

    async def _wait(self, seconds):
        # In short steps: secrets are not kept longer for having nothing to do.
        self._expire()
        while seconds > 0:
            await asyncio.sleep(min(seconds, _STEP_S))
            self._expire()
            seconds -= _STEP_S
