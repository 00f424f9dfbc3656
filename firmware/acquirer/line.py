"""The way to the acquirer: all that makes and reads messages, in memory only meanwhile.

What always holds: the buffers stay, made once while the heap was in one piece; a conversation that
finds no room is no answer. May import rooms, identity, change.NoAnswer.
"""

import gc

from firmware import rooms
from firmware.acquirer.identity import FRAME_MAX, SENT_MAX
from firmware.binding.change import NO_ROOM, NoAnswer


class Line:
    """board, identity, state: what an Exchange is made of."""

    def __init__(self, board, identity, state):
        self._parts = board, identity, state, bytearray(SENT_MAX), bytearray(FRAME_MAX)
        self._loaded = []

    async def reach(self):
        """Have a good connection: the acquirer closes an idle one, which the link knows. Raises
        NoAnswer with the link's error code.
        """
        board = self._parts[0]
        try:
            await board.link.open()
        except board.link_error as error:
            raise NoAnswer(error.code) from None

    def take(self):
        """Begin a conversation: return an Exchange. Raises StorageFault when the keys are missing
        or damaged, NoAnswer when memory is full.
        """
        gc.collect()
        return self.bring("firmware.acquirer.exchange").begin(*self._parts)

    def bring(self, path):
        """Return the module `path`, in memory until the conversation ends. Raises NoAnswer."""
        try:
            module, loaded = rooms.load(path)
        except MemoryError:
            raise NoAnswer(NO_ROOM) from None  # a person's errand fills it: later
        self._loaded += loaded
        return module

    def leave(self):
        """End the conversation: forget all of it but the connection."""
        rooms.drop(self._loaded)
        self._loaded = []
