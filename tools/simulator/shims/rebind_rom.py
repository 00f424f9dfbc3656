"""What the chip's ROM does before boot.py: its modules are there, the file system is mounted.

A chip's `machine`, `esp32` and `network`, with their names, lie in its flash and take nothing of
Python's heap. Here they lie in memory apart: while they are loaded the collector is given that
instead of the heap, and it never looks there again. This rests on how MicroPython keeps its state,
which has to be recognised, word for word, before anything is changed; where it is not, or where
REBIND_ROM is 0, they are loaded like any module and take about 10 KB.

What always holds: what lies there points to nothing in the heap. So a shim keeps no object of the
firmware's in its globals and makes no new ones at run time; what the firmware makes of its classes
is in the heap. In memory only until boot.py runs.
"""

import gc
import os
import struct
import sys

import vfs
from micropython import const

_MODULES = ("rebind_bus", "machine", "esp32", "network")
_NEAR = const(192)  # words to either side in which all that is sought lies
_MEMORY = const(256 * 1024)
_ROOM = const(10)  # for names: what the first table has on a chip, and the next has twice that

# A table of names: the one before, how many names before, room, names, hashes, lengths.
_HEAD = const(6)


class _Unknown(Exception):
    """The interpreter's state is not as it is known."""


def _words(at, n):
    return struct.unpack("%dP" % n, uctypes.bytearray_at(at, n * _WORD))


def _put(at, *words):
    struct.pack_into("%dP" % len(words), uctypes.bytearray_at(at, len(words) * _WORD), 0, *words)


def _state():
    """Return where the state keeps the heap's bounds, the last table of names, and the piece of
    memory that the last name is in.
    """
    here = id(sys.modules) & ((1 << 8 * _WORD) - 1)  # no object of the heap, but a part of it
    with open("/proc/self/maps") as maps:
        for line in maps:
            first, last = [int(bound, 16) for bound in line.split(" ")[0].split("-")]
            if first <= here < last:
                break
    first = max(first, here - _NEAR * _WORD)
    words = _words(first, (min(last, here + _NEAR * _WORD) - first) // _WORD)
    inside = range(len(words) - 5)
    heap = [at for at in inside if _is_heap(*words[at : at + 5])]
    if len(heap) != 1:
        raise _Unknown
    bounds = words[heap[0] + 3 : heap[0] + 5]
    names = [at for at in inside if _is_table(words[at], bounds)]
    if len(names) != 1:
        raise _Unknown
    last = words[names[0]]
    end = _end_of_names(last)
    piece = [at for at in inside if words[at] + words[at + 2] == end and words[at]]
    if len(piece) != 1 or not words[piece[0] + 2] <= words[piece[0] + 1] < 4096:
        raise _Unknown
    return [first + found[0] * _WORD for found in (heap, names, piece)] + [bounds]


def _is_heap(table, n, finalisers, start, end):
    return n > 0 and 0 < finalisers - table - n <= _WORD and end - start == n * 16 * _WORD


def _is_table(at, bounds):
    if at % (4 * _WORD) or not bounds[0] <= at < bounds[1]:
        return False
    _, _, room, used, hashes, lengths = _words(at, _HEAD)
    fits = 0 < used <= room < 4096 and hashes == at + (_HEAD + room) * _WORD
    return fits and hashes < lengths <= hashes + room * 4


def _end_of_names(table):
    """Return where the text of a table's last name ends."""
    _, _, _, used, _, lengths = _words(table, _HEAD)
    name = _words(table + (_HEAD + used - 1) * _WORD, 1)[0]
    end = name + uctypes.bytearray_at(lengths + used - 1, 1)[0]
    if uctypes.bytearray_at(end, 1)[0]:
        raise _Unknown
    return end + 1


def _copied(table, bounds):
    """Copy a table of names, those before it that are in the heap, and their text; return where
    the copy is. Nothing must be collected after this.
    """
    before, number, room, used, hashes, lengths = _words(table, _HEAD)
    if bounds[0] <= before < bounds[1]:
        before = _copied(before, bounds)
    names = _words(table + _HEAD * _WORD, used)
    sizes = uctypes.bytearray_at(lengths, used)
    text = b"".join([uctypes.bytes_at(names[i], sizes[i] + 1) for i in range(used)])
    at = uctypes.addressof(text)
    made = []
    for i in range(used):
        made.append(at)
        at += sizes[i] + 1
    hashes = uctypes.bytes_at(hashes, (lengths - hashes) // room * used)
    copy = bytearray(_HEAD * _WORD + used * _WORD) + hashes + sizes
    at = uctypes.addressof(copy)
    first = at + _HEAD * _WORD
    end = first + used * _WORD
    _put(at, before, number, used, used, end, end + len(hashes), *made)
    return at


def _load():
    for name in _MODULES:
        __import__(name)


def _load_apart():
    """Load the modules outside the heap. Raises _Unknown or OSError before it begins."""
    heap_at, names_at, piece_at, bounds = _state()
    n = (_MEMORY - 64) // (16 * _WORD + 2)
    memory = ffi.open(None).func("P", "calloc", "LL")(_MEMORY, 1)
    finalisers = memory + n + 1
    start = (finalisers + n // 2 + 1 + 4 * _WORD) & -(4 * _WORD)
    # Their places among the loaded modules: no table in the heap may grow meanwhile.
    for name in _MODULES:
        sys.modules[name] = None
    for name in _MODULES:
        del sys.modules[name]
    gc.collect()
    gc.disable()
    apart = struct.pack("7P", memory, n, finalisers, start, start + n * 16 * _WORD, 0, 0)
    bounds_now = uctypes.bytearray_at(heap_at, len(apart))
    heap = bytes(bounds_now)
    bounds_now[:] = apart  # at once: what is taken from one memory must not be given to the other
    try:
        _put(names_at, _copied(_words(names_at, 1)[0], bounds))
        _put(piece_at, 0)
        _load()
    finally:
        _put(piece_at, 0)
        _put(_words(names_at, 1)[0] + 2 * _WORD, _ROOM)
        bounds_now[:] = heap
        gc.enable()


def _mount():
    import esp32

    for partition in esp32.Partition.find(esp32.Partition.TYPE_DATA, label="vfs"):
        vfs.umount("/")
        vfs.mount(vfs.VfsLfs2(partition, progsize=32, readsize=32, lookahead=32), "/")
        os.chdir("/")


try:
    import ffi
    import uctypes

    _WORD = struct.calcsize("P")
    if os.getenv("REBIND_ROM") == "0":
        raise _Unknown
    _load_apart()
except (_Unknown, ImportError, OSError):
    _load()
_mount()
sys.path[:] = ["", ".frozen", "/lib"]
sys.argv[:] = []
del sys.modules["rebind_rom"]
