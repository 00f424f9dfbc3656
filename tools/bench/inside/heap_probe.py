"""Says what is alive in the device's heap: at every import, every message, every change.

Put on the device's file system by `tools.bench.heap` and started before boot.py. A line is `HEAP`,
a kind, and bytes of Python's heap, counted after a collection:

    loaded N            what was alive when this module had been loaded
    probe N             what listening takes beyond that
    module N NAME       loading NAME, without what it imported
    live N [LABEL]      what is alive now; LABEL as connect, send, answer or apply begins
    here NAME...        which modules are loaded now

What always holds: nothing of the firmware is known here or changed; the interpreter's own import,
event loop and TLS are listened to.
"""

import asyncio
import builtins
import gc
import sys

import micropython
import tls
from micropython import const

_EVERY_MS = const(20)
_DEPTH = const(16)

_last = 0
_label = ""
_known = 0
_inner = [0] * _DEPTH  # what the imports inside each import have taken
_depth = 0

_import = builtins.__import__
_run = asyncio.run


def _live():
    gc.collect()
    return gc.mem_alloc()


def _say(label=""):
    global _last, _label, _known
    now = _live()
    if now != _last or label != _label:
        _last, _label = now, label
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


class _Listened:
    """A thing of the interpreter, with what is put in the place of some of it."""

    def __init__(self, real):
        self._real = real

    def __getattr__(self, name):
        return getattr(self._real, name)


class _Tls(_Listened):
    def SSLContext(self, protocol):  # noqa: N802 (a class of the interpreter)
        return _Context(self._real.SSLContext(protocol))


class _Context(_Listened):
    @property
    def verify_mode(self):
        return self._real.verify_mode

    @verify_mode.setter
    def verify_mode(self, mode):
        self._real.verify_mode = mode

    def wrap_socket(self, *args, **options):
        _say("connect")
        return _Socket(self._real.wrap_socket(*args, **options))


class _Socket(_Listened):
    _sent = False

    def write(self, data):
        self._sent = True
        _say("send")
        return self._real.write(data)

    def readinto(self, buf):
        got = self._real.readinto(buf)
        if self._sent:
            _say("apply" if got else "answer")
        return got


def start():
    """Listen from now on."""
    builtins.__import__ = _on_import
    asyncio.run = _on_run
    sys.modules["tls"] = _Tls(tls)
    print("HEAP loaded", _live())
    _say()
