"""Takes the memory away at a seam of the firmware, but for small pieces; gives it back behind it.

Put on the device's file system by `host_tests.memory.pinch` and started before boot.py. `ask` is
the loading of whatever is not in memory; the other seams are functions, named as the linker has
named them. A seam is pinched at its first pass, its fourth, its ninth and so on, so that what is
tried again succeeds some time; `ask` once for each module. A coroutine is pinched until it waits
for the first time. A line on the console is `PINCH`, the seam, and `ok` or `refused`.

What always holds: nothing is pinched before the start is over, that is, before asyncio runs.
"""

import asyncio
import builtins
import gc
import sys

_SIZES = (16384, 8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16)

_import = builtins.__import__
_run = asyncio.run
_passes = {}
_left = 0
_seam = ""
_target = None  # module, class and function of the seam, None for `ask` and once it is replaced
_on = False
_held = None


def _hold():
    # A chain: there may be no room for a list.
    global _held
    gc.collect()
    for size in _SIZES:
        size = max(size, _left + 1)
        try:
            while True:
                _held = (bytearray(size), _held)
        except MemoryError:
            pass


def _let_go(told):
    global _held
    _held = None
    print("PINCH", _seam, told)


def _turn(key):
    if not _on or _held is not None:
        return False
    passes = _passes[key] = _passes.get(key, 0) + 1
    return passes == 1 or key == _seam and int(passes**0.5) ** 2 == passes


def _pinched(call, args):
    told = "refused"
    _hold()
    try:
        result = call(*args)
        told = "ok"
        return result
    finally:
        _let_go(told)


def _on_import(name, *rest):
    if _seam == "ask" and name not in sys.modules and _turn(name):
        return _pinched(_import, (name,) + rest)
    result = _import(name, *rest)
    if _target is not None and _target[0] in sys.modules:
        _replace()
    return result


def _replace():
    global _target
    module, cls, name = _target
    holder = getattr(sys.modules[module], cls, None)
    if holder is None:
        return  # it is still being loaded
    _target = None
    call = getattr(holder, name)

    def seam(*args):
        if not _turn(_seam):
            return call(*args)
        result = _pinched(call, args)
        return _through(result) if hasattr(result, "send") else result

    setattr(holder, name, seam)


def _through(work):
    # A coroutine, pinched until it waits.
    try:
        try:
            value = _pinched(next, (work,))
        except StopIteration as end:
            return end.value
        while True:
            try:
                yield value
                break
            except BaseException as fault:
                value = work.throw(fault)
    except StopIteration as end:
        return end.value
    return (yield from work)


def _on_run(main):
    global _on
    _on = True
    return _run(main)


def start(seam, left, target):
    """Leave at most `left` bytes in one piece at `seam`; target: where the linker has put it."""
    global _seam, _left, _target
    _seam, _left, _target = seam, left, target
    builtins.__import__ = _on_import
    asyncio.run = _on_run
