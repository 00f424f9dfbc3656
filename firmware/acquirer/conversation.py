"""What a conversation with the acquirer needs: its keys taken from the keystore, an exchange
built on them.

Imported when a conversation begins and dropped, with all of message and the key derivation, when
it ends. May import crypto, storage and exchange.
"""

from firmware.acquirer.exchange import Exchange
from firmware.crypto import dukpt
from firmware.storage.journal import StorageFault


class KeyStorage:
    """Where the DUKPT state lives: one blob of the keystore, replaced as a whole."""

    def __init__(self, keystore):
        self._keystore = keystore

    def load(self, buf):
        """Fill `buf` with the stored state; make the first one from the injected key. False if
        none.

        The injected key is erased only once the state made from it is stored.
        """
        if self._keystore.get("dukpt", buf) == dukpt.STATE_LEN:
            self._keystore.erase("ik")
            return True
        initial = self._keystore.get_bytes("ik")
        ikid = self._keystore.get_bytes("ikid")
        if initial is None or ikid is None:
            return False
        dukpt.inject(ikid, initial, buf)
        self.save(buf)
        self._keystore.erase("ik")
        return True

    def save(self, buf):
        """Replace the stored state by `buf`, durably and at once."""
        self._keystore.put("dukpt", buf)


def begin(board, identity, state, tx, rx):
    """Return an Exchange over the board's link with the keys of its keystore, in two buffers.

    Raises StorageFault when there are no keys or they are damaged: the terminal needs service.
    """
    try:
        keys = dukpt.Dukpt(KeyStorage(board.keystore), rx)
    except dukpt.KeysUnreadable:
        raise StorageFault from None
    return Exchange(board, keys, identity, state, tx, rx)
