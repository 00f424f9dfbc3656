"""Takes what is wanted out of a record on flash, a piece of it at a time: there may be no room for
all of it at once.

What always holds: what is not proven by its CMAC at its own place is no record. May import
journal, frame, crypto.compare.
"""

from struct import unpack_from

from micropython import const

from firmware.crypto.compare import equal
from firmware.storage import frame as frames
from firmware.storage.journal import (
    HEAD,
    MAC,
    PLACED,
    RECORD,
    RECORD_MAX,
    SIZE,
    StorageFault,
)

_PIECE = const(128)  # bytes of a record that are in memory


def get(journal, key):
    """Return the value under `key` of the index. Raises StorageFault when its record can't be read
    any more.
    """
    at = journal.place(key)
    value = bytearray(journal.length(at))
    copy(frames.Frame(journal, 0), at, value)
    return bytes(value)


def copy(frame, at, value):
    """Copy the value that the index tells of at `at` into `value`, which is as long. Raises
    StorageFault when its record can't be read any more.
    """
    journal = frame.journal
    _, sector, offset, start, n = unpack_from(PLACED, journal.index, at)
    try:
        total = part(frame, sector, offset, journal.orders[sector], SIZE, start, value)
        if start + n + MAC <= total:
            return
    except OSError:
        pass  # as bad as a record that is damaged
    raise StorageFault


def part(frame, sector, offset, order, last, start, out):
    """Copy the record that begins at `offset` and ends at `last` or before, deciphered, from its
    byte `start` on into `out`, as far as that has room. Returns the record's length; 0 when it is
    torn or damaged: what is in `out` then is nothing. Raises OSError.
    """
    whole, frame.buf = frame.buf, bytearray(_PIECE + MAC)
    try:
        return _part(frame, sector, offset, order, last, start, out)
    finally:
        frame.buf = whole


def _part(frame, sector, offset, order, last, start, out):
    flash, view = frame.journal.flash, memoryview(frame.buf)
    flash.read(sector, offset, view[:HEAD])
    total = unpack_from(">H", view, 0)[0]
    if not HEAD + 16 + MAC <= total <= min(RECORD_MAX, last - offset) or total % 16:
        return 0
    end = total - MAC
    cipher = frame.cipher(sector, offset, order)
    frame.begin(RECORD, sector, offset, order, HEAD)
    at, n = 0, HEAD
    while True:
        first, behind = max(start, at), min(start + len(out), at + n)
        if first < behind:
            out[first - start : behind - start] = view[first - at : behind - at]
        at += n
        if at == end:
            break
        n = min(_PIECE, end - at)
        flash.read(sector, offset + at, view[: n + MAC if at + n == end else n])
        frame.cmac.update(frame.buf, 0, n)
        cipher.decrypt(view[:n], view[:n])
    frame.cmac.finish(frame.out, 0)
    return total if equal(frame.out, view[n:], MAC) else 0
