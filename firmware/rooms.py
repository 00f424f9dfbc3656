"""Modules that are in memory only while they are used.

What always holds: a module that was there before stays, and one that somebody else has loaded
meanwhile is theirs. Native code must never be dropped: the chip gives it back only at a reset.
Imports nothing of the house.
"""

import gc
import sys


def load(path):
    """Import the module `path`; return it and the names of all modules that came with it."""
    resident = set(sys.modules)
    __import__(path)
    return sys.modules[path], [name for name in sys.modules if name not in resident]


def drop(names):
    """Forget modules by name; what still holds something of theirs keeps that alive."""
    for name in names:
        sys.modules.pop(name, None)
        package, _, leaf = name.rpartition(".")
        if package in sys.modules and hasattr(sys.modules[package], leaf):
            delattr(sys.modules[package], leaf)
    gc.collect()
