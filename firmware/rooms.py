"""The one way to use a module that comes and goes: ask it for something, and it is gone again.

What always holds: a module that was there before stays, and one that somebody else has loaded
meanwhile is theirs; of one that finds no room nothing stays, and no module leaves this file.
Native code must never be dropped: the chip gives it back only at a reset. Which modules stay for
good is declared where the device is built. Imports nothing of the house.
"""

import gc
import sys


class NoRoom(MemoryError):
    """A module does not fit into memory now: nothing of it was done."""


_spare = NoRoom()  # for when there is no room for one either; made anew with the next module


def ask(path, function, *args):
    """Return what `function` of the module `path` makes of `args`. What a coroutine function gives
    is to be awaited at once: its module is there to its end.

    Raises NoRoom, also when memory ends half way: what it did until then is its own to undo.
    """
    came = []
    try:
        try:
            found = _begun(path, function, came, args)
            if hasattr(found, "send"):
                found = _followed(found, came)
                came = None
            return found
        finally:
            if came:
                _drop(came)
    except MemoryError as fault:
        raise told(fault)


async def _followed(work, came):
    try:
        try:
            return await work
        finally:
            work = None
            _drop(came)
    except MemoryError as fault:
        raise told(fault)


def told(fault):
    """Return `fault`, a MemoryError, as the NoRoom that it is to whoever asked."""
    global _spare
    if isinstance(fault, NoRoom):
        return fault
    told, _spare = _spare, None
    return told or NoRoom()


def _begun(path, function, came, args):
    # In a frame of its own: what collects must never have had the module in its hands, since the
    # interpreter takes what a frame has left of an expression for still in use.
    _load(path, came)
    return getattr(sys.modules[path], function)(*args)


def _load(path, came):
    # Import the module; add the names of all modules that came with it to `came`.
    global _spare
    if _spare is None:
        _spare = NoRoom()
    resident = set(sys.modules)
    loaded = False
    try:
        __import__(path)
        came += [name for name in sys.modules if name not in resident]
        loaded = True
    finally:
        if not loaded:
            _clear(resident)


def _clear(resident):
    # Forget what came, one at a time: there may be no room for a list of it.
    gc.collect()
    came = True
    while came:
        came = ()
        for name in sys.modules:
            if name not in resident:
                came = (name,)
                break
        _drop(came)


def _drop(names):
    # Forget modules by name; what still holds something of theirs keeps that alive.
    for name in names:
        sys.modules.pop(name, None)
        package, _, leaf = name.rpartition(".")
        if package in sys.modules and hasattr(sys.modules[package], leaf):
            delattr(sys.modules[package], leaf)
    gc.collect()
