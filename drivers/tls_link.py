"""The line to the acquirer: one mutual-TLS connection at a time, with a limit on everything.

One SSLContext serves all connections, since its memory comes from the chip's own small heap. What
always holds: a failure is a LinkError with a code and leaves the connection closed, and so does a
cancellation; nothing waits longer than its limit, except name resolution, which blocks (the
watchdog's limit is above it). May import socket.
"""

import asyncio
import gc
import select
import socket
import time

from micropython import const

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
_WIFI_MS = const(8000)
_POLL_MS = const(10)
_EINPROGRESS = (115, 119)  # Linux, lwIP
_TLS_ERRNO = const(-256)  # mbedTLS errors are below
_BROKEN = select.POLLERR | select.POLLHUP


class LinkError(Exception):
    """The line failed; `code` says in which step. Carries no text."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class TlsLink:
    """The line over `wifi` to `host`:`port`, whose certificate must name `server_name`.

    `context` is `certificate.context`'s, None when a certificate or the key can't be used.
    """

    def __init__(self, wifi, host, port, server_name, context):
        self._wifi = wifi
        self._host = host
        self._port = port
        self._server_name = server_name
        self._context = context
        self._raw = None
        self._sock = None
        self._stream = None
        self._probe = bytearray(1)
        self._step = CLOSED
        self._used_ms = 0
        self.is_open = False

    async def open(self):
        """Connect and shake hands; a good connection that is still open is kept. Raises
        LinkError.
        """
        if self._context is None:
            raise LinkError(CERTIFICATE)
        if self.is_open and self._alive():
            return
        self._shut()
        await self._wait_for_wifi()
        gc.collect()
        await self._within(self._connect())
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

    async def _wait_for_wifi(self):
        start_ms = time.ticks_ms()
        while not self._wifi.connected:
            late = time.ticks_diff(time.ticks_ms(), start_ms) >= _WIFI_MS
            if late or not self._wifi.connecting:
                raise LinkError(WIFI)
            await asyncio.sleep_ms(100)

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
            code = self._step
            if code != DNS and fault.errno < _TLS_ERRNO:
                code = TLS
        finally:
            if not done:
                self._shut()
        if code:
            raise LinkError(code)
        self._used_ms = time.ticks_ms()

    async def _connect(self):
        self._step = DNS
        found = socket.getaddrinfo(self._host, self._port, socket.AF_INET, socket.SOCK_STREAM)[0]
        self._step = CONNECT
        self._raw = raw = socket.socket(found[0], found[1], found[2])
        raw.setblocking(False)
        try:
            raw.connect(found[-1])
        except OSError as fault:
            if fault.errno not in _EINPROGRESS:
                raise
        poller = select.poll()
        poller.register(raw, select.POLLOUT | _BROKEN)
        while not (ready := poller.poll(0)):
            await asyncio.sleep_ms(_POLL_MS)
        if ready[0][1] & _BROKEN:
            raise OSError(0)
        self._step = TLS
        self._sock = sock = self._context.wrap_socket(
            raw, server_hostname=self._server_name, do_handshake_on_connect=False
        )
        self._stream = stream = asyncio.StreamReader(sock)
        # Reading drives the handshake. The acquirer never speaks first, so nothing but the
        # handshake can arrive, and the peer's certificate is known only when it is over.
        got = sock.readinto(self._probe)
        while got is None and sock.getpeercert(True) is None:
            got = await stream.readinto(self._probe)
        if got is not None:
            raise OSError(0)
        self._step = CLOSED

    async def _send(self, view):
        self._stream.write(view)
        await self._stream.drain()

    async def _receive(self, view):
        at = 0
        while at < len(view):
            got = await self._stream.readinto(view[at:] if at else view)
            if got == 0:
                raise OSError(0)
            if got:
                at += got

    def _alive(self):
        if time.ticks_diff(time.ticks_ms(), self._used_ms) >= _IDLE_MS:
            return False
        try:
            return self._wifi.connected and self._sock.readinto(self._probe) is None
        except (OSError, ValueError):  # the other side has gone: open() makes a new connection
            return False

    def _shut(self):
        self.is_open = False
        # After a failed handshake the TLS socket no longer closes the one below it.
        for sock in (self._sock, self._raw):
            if sock is not None:
                try:
                    sock.close()
                except OSError:  # it was closed with the TLS socket
                    pass
        self._sock = self._raw = self._stream = None
