"""What is sealed at a place on flash: the buffer of one record, its CMAC and its cipher.

What always holds: a CMAC covers place, header and ciphertext; an IV is a CMAC of place and header
(see journal); what is not proven by its CMAC at its own place is no record. In memory only while
somebody reads or writes. May import journal and crypto.
"""

from struct import pack_into, unpack_from

from cryptolib import aes
from micropython import const

from firmware.crypto.cmac import Cmac, mac
from firmware.crypto.compare import equal
from firmware.storage.journal import (
    HEAD,
    MAC,
    PLACED,
    RECORD,
    RECORD_MAX,
    SIZE,
    VECTOR,
    StorageFault,
)

_PIECE = const(128)  # bytes of a record that are in memory while one value is looked up


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
        self._begin(what, sector, offset, order, n)
        self.cmac.finish(self.out, 0)

    def _begin(self, what, sector, offset, order, n):
        pack_into(">BBHI", self._place, 0, what, sector, offset, order)
        cmac = self.cmac
        cmac.start()
        cmac.update(self._place, 0, 8)
        cmac.update(self.buf, 0, n)

    def cipher(self, sector, offset, order):
        """Return the AES-CBC of the record whose place is given and whose header is in `buf`."""
        self.tag(VECTOR, sector, offset, order, HEAD)
        return aes(self.journal.seal_key, 2, self.out)

    def open(self, sector, offset, order, last):
        """Leave in `buf` the record that begins at `offset` and ends at `last` or before, its
        items deciphered; return its length, 0 when it is torn or damaged. Raises OSError.
        """
        flash, view = self.journal.flash, memoryview(self.buf)
        flash.read(sector, offset, view[:HEAD])
        total = unpack_from(">H", view, 0)[0]
        if not HEAD + 16 + MAC <= total <= min(len(self.buf), last - offset) or total % 16:
            return 0
        flash.read(sector, offset + HEAD, view[HEAD:total])
        self.tag(RECORD, sector, offset, order, total - MAC)
        if not equal(self.out, view[total - MAC : total], MAC):
            return 0
        plain = view[HEAD : total - MAC]
        self.cipher(sector, offset, order).decrypt(plain, plain)
        return total

    def fetch(self, at):
        """Open the record of the value that the index tells of at `at`; return the value's offset
        in `buf` and its length. Raises StorageFault when the record can't be read.
        """
        _, sector, offset, start, n = unpack_from(PLACED, self.journal.index, at)
        try:
            if self.open(sector, offset, self.journal.orders[sector], SIZE):
                return start, n
        except OSError:
            pass  # as bad as a record that is damaged
        raise StorageFault

    def copy(self, sector, offset, order, start, value):
        """Copy what lies at `start` of a record into `value`, a bytearray of its length. Returns
        False when the record is torn or damaged: what is in `value` then is nothing. Raises
        OSError.

        A piece at a time passes through `buf`: there may be no room for all of it at once.
        """
        flash, view = self.journal.flash, memoryview(self.buf)
        flash.read(sector, offset, view[:HEAD])
        end = unpack_from(">H", view, 0)[0] - MAC
        if (
            not start + len(value) <= end <= min(RECORD_MAX, SIZE - offset) - MAC
            or end % 16 != MAC
        ):
            return False
        cipher = self.cipher(sector, offset, order)
        self._begin(RECORD, sector, offset, order, HEAD)
        at = HEAD
        while at < end:
            piece = view[: min(len(view), end - at)]
            flash.read(sector, offset + at, piece)
            self.cmac.update(self.buf, 0, len(piece))
            cipher.decrypt(piece, piece)
            first, last = max(start, at), min(start + len(value), at + len(piece))
            if first < last:
                value[first - start : last - start] = piece[first - at : last - at]
            at += len(piece)
        self.cmac.finish(self.out, 0)
        flash.read(sector, offset + end, view[:MAC])
        return equal(self.out, view, MAC)


def run(journal, key):
    """Return the value under `key` of the index. Raises StorageFault when its record can't be read
    any more.
    """
    _, sector, offset, start, n = unpack_from(PLACED, journal.index, journal.place(key))
    value = bytearray(n)
    try:
        if Frame(journal, _PIECE).copy(sector, offset, journal.orders[sector], start, value):
            return bytes(value)
    except OSError:
        pass  # as bad as a record that is damaged
    raise StorageFault


def chained(journal, chain, number, entry):
    """Return the chain of the audit entry `number` (PROTOCOL, "Audit chain"), 8 bytes."""
    data = b"\x02" + chain + number.to_bytes(4, "big") + entry
    tag = bytearray(16)
    mac(journal.chain_key, data, 0, len(data), tag, 0)
    return bytes(memoryview(tag)[:8])
