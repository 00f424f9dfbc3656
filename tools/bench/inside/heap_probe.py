"""Says what is alive in the device's heap: at every import, every message, every change.

Put on the device's file system by `tools.bench.heap` and started before boot.py. A line is `HEAP`,
a kind, and bytes of Python's heap, counted after a collection:

    loaded N            what was alive when this module had been loaded
    probe N             what listening takes beyond that
    module N NAME       loading NAME, without what it imported
    live N [LABEL]      what is alive now; LABEL as connect, send, answer or apply begins
    here NAME...        which modules are loaded now

What always holds: nothing of the firmware is known here or changed; the interpreter's own import,
event loop and streams are listened to.
"""

import asyncio
import asyncio.stream
import builtins
import gc
import sys

import micropython
from micropython import const

_EVERY_MS = const(20)
_DEPTH = const(16)

_last = 0
_known = 0
_inner = [0] * _DEPTH  # what the imports inside each import have taken
_depth = 0
_sent = False

_import = builtins.__import__
_run = asyncio.run
_Stream = asyncio.stream.Stream
_open = _Stream.__init__
_drain = _Stream.drain
_readinto = _Stream.readinto


def _live():
    gc.collect()
    return gc.mem_alloc()


def _say(label=""):
    global _last, _known
    now = _live()
    if now != _last or label:
        _last = now
        print("HEAP live", now, label)
    if len(sys.modules) != _known:
        _known = len(sys.modules)
        print("HEAP here", *sys.modules)
        micropython.qstr_info()


def _on_import(name, *rest):
    global _depth
    if len(rest) == 4 and rest[3]:  # relative: only asyncio, inside itself
        name = "asyncio." + name if name else "asyncio"
        rest = (None, None, True, 0)
    if name in sys.modules:
        return _import(name, *rest)
    before = _live()
    _depth += 1
    _inner[_depth] = 0
    try:
        return _import(name, *rest)
    finally:
        taken = _live() - before
        print("HEAP module", taken - _inner[_depth], name)
        _depth -= 1
        _inner[_depth] += taken
        if not _depth:
            _say()


async def _watch():
    while True:
        _say()
        await asyncio.sleep_ms(_EVERY_MS)


def _on_run(main):
    async def both():
        before = _live()
        asyncio.create_task(_watch())
        print("HEAP probe", _live() - before)
        await main

    return _run(both())


def _on_open(self, *rest):
    global _sent
    _sent = False
    return _open(self, *rest)


def _on_drain(self):
    global _sent
    _sent = True
    _say("send")
    return _drain(self)


async def _on_readinto(self, buf):
    _say("answer" if _sent else "connect")
    try:
        return await _readinto(self, buf)
    finally:
        if _sent:
            _say("apply")


def start():
    """Listen from now on."""
    builtins.__import__ = _on_import
    asyncio.run = _on_run
    _Stream.__init__ = _on_open
    _Stream.drain = _on_drain
    _Stream.readinto = _on_readinto
    print("HEAP loaded", _live())
    _say()
