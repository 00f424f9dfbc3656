"""The way to the acquirer: a request is composed, sent, and its reply taken apart, one at a time.

What always holds: the buffers stay, made once while the heap was in one piece; what composes a
request is gone before it is sent, and what proves a reply comes only once the reply is there, so
that the longest wait is the moment with the least in memory. Every message has a key of its own,
whose counter is durable before it is used. Between the steps a message is nothing but the bytes
in `tx` and `rx`.

May import rooms, crypto.dukpt, message.framing, identity, storage.state, journal's faults,
change.NoAnswer. The link raises its own error with a `code`; nothing here imports a driver.
"""

import gc

from micropython import const

from firmware import rooms
from firmware.acquirer import profile
from firmware.acquirer.identity import FRAME_MAX, SENT_MAX
from firmware.binding.change import NoAnswer
from firmware.crypto import dukpt
from firmware.message import framing
from firmware.storage import state as store
from firmware.storage.journal import (
    KEYS_DAMAGED,
    KEYS_FULL,
    KEYS_MISSING,
    KEYS_USED_UP,
    StorageFault,
)

_LEAP_MAX = const(6)  # as a power of 4
_JUMP_S = const(120)  # no connection takes so long


class Line:
    """The board's open link with the keys of its keystore.

    board: link (drivers.tls_link.TlsLink or its like), link_error, keystore, clock, random.
    identity: identity.Identity. state: storage.state.State. keys: crypto.dukpt.Dukpt during a
    conversation. leaps: answers since one that found no counter too low (A0). tx, rx: the last
    frame composed, the last one received.

    Also the host of binding.change: `compose` and `ask` are about the pending request.
    """

    def __init__(self, board, identity, state):
        self.board = board
        self.identity = identity
        self.state = state
        self.keys = None
        self.leaps = 0
        self.tx = bytearray(SENT_MAX)
        self.rx = bytearray(FRAME_MAX)

    async def reach(self):
        """Have a connection, the one that there is, if any. Raises NoAnswer with the link's error
        code, NoRoom.

        A clock that this has put forward ends no lock-out before its time.
        """
        if self.board.link.is_open:
            return
        now = self.board.clock.now
        begun = now()
        try:
            await self.board.link.open()
        except self.board.link_error as error:
            raise NoAnswer(error.code) from None
        finally:
            gone = now() - begun
            if gone > _JUMP_S:
                changes = rooms.ask("firmware.access.shifting", "put_off", self.state, begun, gone)
                if changes:
                    self.state.put(changes)

    def take(self):
        """Begin a conversation. Raises StorageFault when the keys are missing or damaged."""
        gc.collect()
        try:
            self.keys = dukpt.Dukpt(self, self.rx)
        except dukpt.KeysUnreadable:
            raise StorageFault(KEYS_DAMAGED) from None
        except OSError:
            raise StorageFault(KEYS_MISSING) from None

    def leave(self):
        """End the conversation: the keys of its last message are overwritten."""
        if self.keys is not None:
            self.keys.release()
            self.keys = None

    async def close(self):
        """Let the connection go: between conversations its memory is somebody else's."""
        await self.board.link.close()

    def load(self, buf):
        """Fill `buf` with the stored state of the keys; False if there is none."""
        return self.board.keystore.get("dukpt", buf) == dukpt.STATE_LEN

    def save(self, buf):
        """Replace the stored state of the keys by `buf`, durably and at once. Raises StorageFault:
        the key is not used then.
        """
        try:
            self.board.keystore.put("dukpt", buf)
        except OSError:
            raise StorageFault(KEYS_FULL) from None

    def compose(self, how, secrets):
        """Compose a message about the pending request, see `message`. Raises NoRoom."""
        get = self.state.get
        stored, tlvs = get(store.PENDING), get(store.PENDING_TLVS)
        self._step("firmware.acquirer.message", "compose", None, 0, how, secrets, stored, tlvs)

    async def ask(self):
        """Send what was composed about the pending request; return the Outcome, see `answers`.
        Raises NoAnswer, NoRoom.
        """
        said = await self._answer(())
        asked = self.state.get(store.PENDING_TLVS)  # before there is more in memory
        return self._step("firmware.acquirer.outcomes", "read", said, asked)

    async def talk(self, wanted, fields):
        """Send a message that says `fields` (see message.compose); return what is `wanted` of its
        answer, DE 39 among it (see reply.read). Raises NoAnswer, NoRoom.
        """
        self._step("firmware.acquirer.message", "compose", fields, self.state.next_stan())
        fields.clear()  # they are in `tx` now
        return await self._answer(wanted)

    def _step(self, path, function, *args):
        # Memory may end half way, too: but for the key's counter no step writes anything.
        try:
            return rooms.ask(path, function, self, *args)
        except dukpt.KeysExhausted:
            raise StorageFault(KEYS_USED_UP) from None
        except (ValueError, LookupError):  # what came is not what was checked
            raise NoAnswer(0) from None

    async def _answer(self, wanted):
        # Send what was composed; return what is wanted of the reply.
        tx, link, framer = self.tx, self.board.link, framing.Framer(self.rx)
        size = framing.MORE
        try:
            await link.write(tx, (tx[0] << 8 | tx[1]) + 2)
            while size == framing.MORE:
                missing = framer.wanted()
                await link.read_into(self.rx, framer.fill, missing)
                size = framer.accept(missing)
            if size == framing.BAD:
                raise NoAnswer(0)
            said = self._step("firmware.acquirer.reply", "read", wanted)
            self._follow(said[profile.CODE])
            return said
        except (NoAnswer, self.board.link_error) as error:
            code = error.code
        await link.close()  # what else this connection brings can't be matched either
        raise NoAnswer(code)

    def _follow(self, code):
        # Of a counter that has been overtaken the next is no better: on by 4, 16, 64 ...
        if code != profile.OLD_KEY:
            self.leaps = 0
            return
        self.leaps += 1
        self.keys.skip(1 << 2 * min(self.leaps, _LEAP_MAX))
