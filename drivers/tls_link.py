"""The line to the acquirer: one mutual-TLS connection at a time, with a limit on everything.

One SSLContext serves all connections, since its memory comes from the chip's own small heap. What
always holds: a failure is a LinkError with a code and leaves the connection closed, and so does a
cancellation; nothing waits longer than its limit, except name resolution, which blocks (the
watchdog's limit is above it). How a connection is made is `connecting`, in memory only meanwhile.
May import firmware.rooms, as all that keeps a heap small.
"""

import asyncio
import gc
import time

from micropython import const

from firmware import rooms

WIFI = const(1)
DNS = const(2)
CONNECT = const(3)
TLS = const(4)
CERTIFICATE = const(5)
TIMEOUT = const(6)
CLOSED = const(7)

# For connecting with its handshake, for sending, for receiving; a variable, since tests lower it.
LIMIT_MS = 30000

_IDLE_MS = const(100000)  # the acquirer closes after 120 s: do not run into it
_TLS_ERRNO = const(-256)  # mbedTLS errors are below


class LinkError(Exception):
    """The line failed; `code` says in which step. Carries no text."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class TlsLink:
    """The line over `wifi` to `host`:`port`, whose certificate must name `server_name`.

    `context` is `certificate.context`'s, None when a certificate or the key can't be used. raw,
    sock, stream: of the connection there is; step: the code of what fails next. They are
    `connecting`'s to set.
    """

    def __init__(self, wifi, host, port, server_name, context):
        self.wifi = wifi
        self.host = host
        self.port = port
        self.server_name = server_name
        self.context = context
        self.raw = None
        self.sock = None
        self.stream = None
        self.probe = bytearray(1)
        self.step = CLOSED
        self._used_ms = 0
        self.is_open = False

    async def open(self):
        """Connect and shake hands; a good connection that is still open is kept. Raises
        LinkError, or rooms.NoRoom when there is none for what makes a connection.
        """
        if self.context is None:
            raise LinkError(CERTIFICATE)
        if self.is_open and self._alive():
            return
        self._shut()
        module, came = rooms.load("drivers.connecting")
        try:
            if not await module.wifi(self.wifi):
                raise LinkError(WIFI)
            gc.collect()
            await self._within(module.connect(self))
        finally:
            module = None
            rooms.drop(came)
        self.is_open = True

    async def write(self, buf, n):
        """Send the first `n` bytes of `buf`. Raises LinkError."""
        if not self.is_open:
            raise LinkError(CLOSED)
        await self._within(self._send(memoryview(buf)[:n]))

    async def read_into(self, buf, off, n):
        """Receive exactly `n` bytes to `buf` from `off` on. Raises LinkError."""
        if not self.is_open:
            raise LinkError(CLOSED)
        await self._within(self._receive(memoryview(buf)[off : off + n]))

    async def close(self):
        """Close the line; harmless when it is closed."""
        self._shut()
        await asyncio.sleep_ms(0)

    async def _within(self, work):
        code = 0
        done = False
        try:
            await asyncio.wait_for_ms(work, LIMIT_MS)
            done = True
        except asyncio.TimeoutError:  # noqa: UP041 (MicroPython has no other)
            code = TIMEOUT
        except ValueError:  # how mbedTLS reports a certificate that does not verify
            code = CERTIFICATE
        except OSError as fault:
            code = self.step
            if code != DNS and fault.errno < _TLS_ERRNO:
                code = TLS
        finally:
            if not done:
                self._shut()
        if code:
            raise LinkError(code)
        self._used_ms = time.ticks_ms()

    async def _send(self, view):
        self.stream.write(view)
        await self.stream.drain()

    async def _receive(self, view):
        at = 0
        while at < len(view):
            got = await self.stream.readinto(view[at:] if at else view)
            if got == 0:
                raise OSError(0)
            if got:
                at += got

    def _alive(self):
        if time.ticks_diff(time.ticks_ms(), self._used_ms) >= _IDLE_MS:
            return False
        try:
            return self.wifi.connected and self.sock.readinto(self.probe) is None
        except (OSError, ValueError):  # the other side has gone: open() makes a new connection
            return False

    def _shut(self):
        self.is_open = False
        # After a failed handshake the TLS socket no longer closes the one below it.
        for sock in (self.sock, self.raw):
            if sock is not None:
                try:
                    sock.close()
                except OSError:  # it was closed with the TLS socket
                    pass
        self.sock = self.raw = self.stream = None
