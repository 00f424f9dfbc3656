"""The fuzzing that runs inside MicroPython: `inside.py ROOT SEED COUNT [NAME]`.

Every input is judged twice, between neighbours of digits and between neighbours of FF: native code
that read outside its range would answer differently. The heap is locked meanwhile; neighbours
must be untouched afterwards, and nothing may be left in the heap in the end. NAME: one target, or
one kind of what readers makes piece by piece. Prints the number of inputs.
"""

import gc
import random
import sys

from micropython import heap_lock, heap_unlock

for _own in ("binascii", "errno", "io", "os", "random", "struct", "time"):
    sys.modules[_own] = __import__(_own)
sys.path[0] = sys.argv[1]

from host_tests.fuzz import readers, targets  # noqa: E402

_MARGIN = 16
_PLAIN = b"0" * _MARGIN
_FULL = b"\xff" * _MARGIN


def judge(function, seen, data, margin):
    """Return the verdict on `data` between two `margin`s, and what was seen."""
    buf = bytearray(margin + data + margin)
    end = _MARGIN + len(data)
    heap_lock()
    try:
        verdict = function(buf, _MARGIN, end)
    finally:
        heap_unlock()
    assert buf == margin + data + margin, "written to"
    return verdict, seen(verdict, _MARGIN, end)


def encode(data):
    """Let `data` write a message between two neighbours; what is finished must be readable."""
    size = 20 + random.randrange(120)
    whole = bytearray(_FULL + bytes(size) + _FULL)
    total = targets.program(data, memoryview(whole)[_MARGIN : _MARGIN + size])
    assert whole[:_MARGIN] == _FULL and whole[_MARGIN + size :] == _FULL, "written outside"
    if total > 0:
        body = _MARGIN + targets.codec.BODY
        verdict = targets.codec.decode(whole, body, _MARGIN + total, targets.fields)
        assert verdict == 0, "unreadable"


def made(kind):
    """Judge an input that was made piece by piece, between both kinds of neighbours."""
    data, function, check = readers.KINDS[kind]()
    for margin in (_PLAIN, _FULL):
        buf = bytearray(margin + data + margin)
        end = _MARGIN + len(data)
        heap_lock()
        try:
            verdict = function(buf, _MARGIN, end)
        finally:
            heap_unlock()
        try:
            check(verdict, buf, _MARGIN, end)
        except Exception:
            print(kind, verdict, data.hex())
            raise


def one(number, only):
    """Judge the next input."""
    if only in readers.KINDS:
        made(only)
        return
    rows = [row for row in targets.TARGETS if row[0] == only] if only else targets.TARGETS
    name, samples, alphabet, function, seen = rows[number % len(rows)]
    data = targets.spoilt(samples, alphabet)
    try:
        plain = judge(function, seen, data, _PLAIN)
        full = judge(function, seen, data, _FULL)
        assert plain == full, "read outside"
        if number % 4 == 0:
            encode(data)
    except Exception:
        print(name, bytes(data).hex())
        raise


def main(seed, count, only=""):
    random.seed(seed)
    one(0, only)
    gc.collect()
    before = gc.mem_alloc()
    for number in range(count):
        one(number, only)
    gc.collect()
    assert gc.mem_alloc() - before < 4096, "memory grows"
    print(count)


main(int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
