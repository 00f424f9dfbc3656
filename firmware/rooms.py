"""Modules that are in memory only while they are used.

What always holds: a module that was there before stays, and one that somebody else has loaded
meanwhile is theirs; of one that finds no room nothing stays. Native code must never be dropped:
the chip gives it back only at a reset. Imports nothing of the house.
"""

import gc
import sys


class NoRoom(MemoryError):
    """A module does not fit into memory now: nothing of it was done."""


_spare = NoRoom()  # for when there is no room for one either; made anew with the next module


def load(path):
    """Import the module `path`; return it and the names of all modules that came with it.

    Raises NoRoom.
    """
    global _spare
    try:
        if _spare is None:
            _spare = NoRoom()
        resident = set(sys.modules)
        loaded = False
        try:
            __import__(path)
            came = [name for name in sys.modules if name not in resident]
            loaded = True
        finally:
            if not loaded:
                _clear(resident)
        return sys.modules[path], came
    except MemoryError as fault:
        raise told(fault)


def told(fault):
    """Return `fault`, a MemoryError, as the NoRoom that it is to whoever asked."""
    global _spare
    if isinstance(fault, NoRoom):
        return fault
    told, _spare = _spare, None
    return told or NoRoom()


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
        drop(came)


def drop(names):
    """Forget modules by name; what still holds something of theirs keeps that alive."""
    for name in names:
        sys.modules.pop(name, None)
        package, _, leaf = name.rpartition(".")
        if package in sys.modules and hasattr(sys.modules[package], leaf):
            delattr(sys.modules[package], leaf)
    gc.collect()


def run(path, *args):
    """Return what `run` of the module `path` returns, in memory only meanwhile.

    Raises NoRoom, also when memory ends half way: what it did until then is its own to undo.
    """
    came = []
    try:
        try:
            return _begun(path, came, args)
        finally:
            if came:
                drop(came)
    except MemoryError as fault:
        raise told(fault)


async def follow(path, *args):
    """Do as `run` does with a module whose `run` is a coroutine function."""
    came = []
    try:
        try:
            return await _begun(path, came, args)
        finally:
            drop(came)
    except MemoryError as fault:
        raise told(fault)


def _begun(path, came, args):
    # In a frame of its own: what collects must never have had the module in its hands, since the
    # interpreter takes what a frame has left of an expression for still in use.
    module, names = load(path)
    came += names
    return module.run(*args)
