"""What is sealed at a place on flash: the buffer of one record, its CMAC and its cipher.

What always holds: a CMAC covers place, header and ciphertext; an IV is a CMAC of place and header
(see journal). May import journal and crypto.
"""

from struct import pack_into

from cryptolib import aes

from firmware.crypto.cmac import Cmac, mac
from firmware.storage.journal import HEAD, RECORD_MAX, VECTOR


class Frame:
    """The record being read or written: `buf`, of `size` bytes, and `out`, the last CMAC made."""

    def __init__(self, journal, size=RECORD_MAX):
        self.buf = bytearray(size)
        self.out = bytearray(16)
        self.cmac = Cmac(journal.mac_key)
        self.journal = journal
        self._place = bytearray(8)

    def tag(self, what, sector, offset, order, n):
        """Leave in `out` the CMAC of a place and of the first `n` bytes of `buf`."""
        self.begin(what, sector, offset, order, n)
        self.cmac.finish(self.out, 0)

    def begin(self, what, sector, offset, order, n):
        """Begin such a CMAC: more may follow before it is finished."""
        pack_into(">BBHI", self._place, 0, what, sector, offset, order)
        cmac = self.cmac
        cmac.start()
        cmac.update(self._place, 0, 8)
        cmac.update(self.buf, 0, n)

    def cipher(self, sector, offset, order):
        """Return the AES-CBC of the record whose place is given and whose header is in `buf`."""
        self.tag(VECTOR, sector, offset, order, HEAD)
        return aes(self.journal.seal_key, 2, self.out)


def chained(journal, chain, number, entry):
    """Return the chain of the audit entry `number` (PROTOCOL, "Audit chain"), 8 bytes."""
    data = b"\x02" + chain + number.to_bytes(4, "big") + entry
    tag = bytearray(16)
    mac(journal.chain_key, data, 0, len(data), tag, 0)
    return bytes(memoryview(tag)[:8])
