"""Modules that are in memory only while they are used.

What always holds: a module that was there before stays, and one that somebody else has loaded
meanwhile is theirs; of one that finds no room nothing stays. Native code must never be dropped:
the chip gives it back only at a reset. Imports nothing of the house.
"""

import gc
import sys


class NoRoom(MemoryError):
    """A module does not fit into memory now: nothing of it was done."""


def load(path):
    """Import the module `path`; return it and the names of all modules that came with it.

    Raises NoRoom.
    """
    resident = set(sys.modules)
    loaded = False
    try:
        __import__(path)
        loaded = True
    except MemoryError:
        raise NoRoom from None
    finally:
        came = [name for name in sys.modules if name not in resident]
        if not loaded:
            drop(came)
    return sys.modules[path], came


def drop(names):
    """Forget modules by name; what still holds something of theirs keeps that alive."""
    for name in names:
        sys.modules.pop(name, None)
        package, _, leaf = name.rpartition(".")
        if package in sys.modules and hasattr(sys.modules[package], leaf):
            delattr(sys.modules[package], leaf)
    gc.collect()


def run(path, *args):
    """Return what `run` of the module `path` returns, in memory only meanwhile. Raises NoRoom."""
    module, came = load(path)
    try:
        return module.run(*args)
    finally:
        module = None
        if came:
            drop(came)


async def follow(path, *args):
    """Do as `run` does with a module whose `run` is a coroutine function."""
    module, came = load(path)
    try:
        return await module.run(*args)
    finally:
        module = None
        drop(came)
