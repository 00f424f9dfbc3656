"""Keeping in step with the acquirer: signing on, time, notices, and settling the pending request.

What always holds: one conversation at a time; a request that is under way is settled before
bindings are compared; a binding that differs is replaced only by what the acquirer's authenticated
answer says, and only after a supervisor accepted it, unless the slot was empty. May import
binding, storage, card.tlv.
"""

import asyncio
from array import array

from micropython import const

from firmware.binding import change
from firmware.binding.change import NoAnswer
from firmware.binding.model import NAME
from firmware.card import tlv
from firmware.storage import state as keys

DIFFERS = const(1)  # DF45
NEW_MERCHANT = const(2)
RECORDS_WANTED = const(4)
DECIDED = const(8)

NEVER = const(0)  # what became of the last attempt to reach the acquirer
REACHED = const(1)
UNREACHED = const(2)
DECLINED = const(3)

_EVERY_S = const(900)  # a sign-on while nothing is pending
_FIRST_S = const(4)  # the first repetition after a lost answer; doubled each time
_LONGEST_S = const(300)
_SAVE_TIME_S = const(3600)
_SECRETS_S = const(90)  # a one-time code is good for its step and the next: 60 s at most, and some
_NAMES_MAX = const(8)


class Sync:
    """The terminal's standing errand at the acquirer.

    line: `take()` returns an exchange.Exchange, `leave()` ends the conversation. identity:
    identity.Identity. change_, state, clock, wifi: as in terminal.

    names: what the account holder may be called, as UTF-8 bytes, from the last sign-on. differing:
    (slot, TLVs or None) of bindings that changed elsewhere and wait for the supervisor. reached:
    one of the four above; trouble: the link's error code; code: DE 39 of the last sign-on.
    """

    def __init__(self, line, identity, change_, state, clock, wifi):
        self._line = line
        self._identity = identity
        self._change = change_
        self._state = state
        self._clock = clock
        self._wifi = wifi
        self._talking = asyncio.Lock()
        self._wake = asyncio.Event()
        self._secrets = None  # of the request under way, while they are of use
        self._secrets_until = 0
        self.names = []
        self.policy = 0
        self.differing = []
        self.reached = NEVER
        self.trouble = 0
        self.code = b"--"
        self.last_outcome = None
        self.news = 0  # counts what a person should be shown: the idle page redraws on a change
        self.beat = 0

    def wake(self):
        """Sync soon: the network is back, or a person asks."""
        self._wake.set()

    async def run(self):
        """Stay in step for ever: settle what is pending with back-off, sign on now and then."""
        pause = _FIRST_S
        while True:
            self.beat += 1
            if self._wifi.connected:
                done = await self.once()
                urgent = self._change.phase == change.SENT or not done
                pause = min(pause * 2, _LONGEST_S) if urgent else _EVERY_S
            else:
                pause = _FIRST_S
            await self._sleep(pause)
            if pause == _EVERY_S:
                pause = _FIRST_S // 2

    async def once(self):
        """Settle what is pending, then sign on. Returns False when the acquirer was not
        reached.
        """
        pending = self._change.phase in (change.SENT, change.REVIEW, change.HELD)
        try:
            await self._talk(pending, True)
        except NoAnswer:
            return False
        return True

    async def settle(self):
        """Ask once about the pending request. Returns the Outcome, None when nothing is pending.

        Raises NoAnswer while the request was never sent and the acquirer is out of reach.
        """
        return await self._talk(True, False)

    async def sign_on(self):
        """Sign on: take time, names, policy and notices. Raises NoAnswer; `reached` tells the
        rest.
        """
        await self._talk(False, True)

    async def _talk(self, settle, sign_on):
        # One conversation with the acquirer; the way there is in memory only meanwhile.
        outcome = None
        async with self._talking:
            try:
                try:
                    exchange = self._line.take()
                except MemoryError:
                    raise NoAnswer(0) from None  # a person's errand fills it: later
                if settle:
                    outcome = await self._settle(exchange)
                if sign_on:
                    await self._sign_on(exchange)
            finally:
                exchange = None
                self._line.leave()
        return outcome

    def keep(self, secrets):
        """Take over the secrets of the request under way; wiped when settled or no longer of
        use.
        """
        self._forget()
        self._secrets = secrets
        self._secrets_until = self._clock.now() + _SECRETS_S

    def _forget(self):
        if self._secrets is not None:
            self._secrets.wipe()
            self._secrets = None

    async def _settle(self, exchange):
        before = self._change.phase
        if before == change.IDLE:
            return None
        if self._clock.now() > self._secrets_until:
            self._forget()
        outcome = await self._change.settle(exchange, self._secrets)
        self.last_outcome = outcome
        if self._change.phase != change.SENT:
            self._forget()
        if self._change.phase != before:
            self.news += 1
        return outcome

    async def _sign_on(self, exchange):
        try:
            reply = await exchange.sign_on(self._tokens())
        except NoAnswer as error:
            self.reached, self.trouble = UNREACHED, error.code
            raise
        self.code = reply.code
        self.reached, self.trouble = REACHED, 0
        if reply.code != b"00":
            self.reached = DECLINED
            return
        self._take_time(reply.number(0xDF46))
        self.policy = reply.number(0xDF48)
        notices = reply.number(0xDF45)
        merchant = reply.value(0xDF47)
        names = reply.unsealed()
        if names is not None:
            self._take_names(names)
        if merchant is not None and len(merchant) == 15 and merchant != self._identity.merchant:
            self._state.put(((keys.MERCHANT, merchant),))
            self._identity.merchant = merchant
            self.news += 1
        if notices & DIFFERS or not self._tokens():
            await self._compare(exchange)
        elif self.differing:
            self.differing = []
            self.news += 1
        if notices & DECIDED and self._change.phase in (change.REVIEW, change.HELD):
            await self._settle(exchange)

    def accept(self, slot, tlvs):
        """Make the acquirer's binding of `slot` ours; the old one stays as backup."""
        self._state.put(self._state.binding_changes(slot, tlvs))
        self.differing = [waiting for waiting in self.differing if waiting[0] != slot]
        self.news += 1

    def _tokens(self):
        tokens = []
        for slot in range(1, keys.SLOTS + 1):
            tlvs = self._state.binding(slot)
            if tlvs is not None:
                tokens.append((slot, self._identity.token(tlvs)))
        return tokens

    async def _compare(self, exchange):
        # Fetch what the acquirer has in each slot; an empty slot is filled, another one announced.
        differing = []
        for slot in range(1, keys.SLOTS + 1):
            request = self._change.request
            if request is not None and request.slot == slot:
                continue  # its settlement decides
            theirs = await exchange.inquire_slot(slot)
            ours = self._state.binding(slot)
            if theirs is not None and ours is None:
                self.accept(slot, theirs)
            elif theirs != ours:
                differing.append((slot, theirs))
        if differing != self.differing:
            self.differing = differing
            self.news += 1

    def _take_time(self, now):
        if now:
            self._clock.set(now)
            if abs(now - self._state.number(keys.TIME)) > _SAVE_TIME_S:
                self._state.put_number(keys.TIME, now)

    def _take_names(self, tlvs):
        found = array("i", bytes(4 * tlv.OUT_LEN))
        names = []
        pos = 0
        while pos < len(tlvs) and len(names) < _NAMES_MAX:
            pos = tlv.step(tlvs, pos, len(tlvs), found)
            if pos < 0:
                break
            if found[0] == NAME:
                names.append(bytes(memoryview(tlvs)[found[1] : found[1] + found[2]]))
        self.names = names

    async def _sleep(self, seconds):
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except asyncio.TimeoutError:
            pass  # nobody asked: the time has simply come
        self._wake.clear()
