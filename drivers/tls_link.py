"""The line to the acquirer: one mutual-TLS connection at a time, with a limit on everything.

What always holds: a failure is a LinkError with a code and leaves the connection closed, and so
does a cancellation; nothing waits longer than its limit, except name resolution, which blocks (the
watchdog's limit is above it); nothing of a connection outlives it, since the context for TLS with
its certificates takes as much memory as all that is here. So the socket is asked now and again:
asyncio's streams keep the last one in their tables. How a connection is made is `connecting`.
May import firmware.rooms.
"""

import asyncio
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
# 8 and 9 are what errands add.
REFUSED = const(10)  # the host is there, and nothing listens at that port
NO_WAY = const(11)  # the network that was joined does not lead there
OWN = const(12)  # the terminal's own certificates or its key are missing or damaged

# For connecting with its handshake, for sending, for receiving; a variable, since tests lower it.
LIMIT_MS = 30000

_TURN_MS = const(10)
_TLS_ERRNO = const(-256)  # mbedTLS errors are below


class LinkError(Exception):
    """The line failed; `code` says in which step. Carries no text."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class TlsLink:
    """The line over `wifi` to `host`:`port`, whose certificate must name `server_name`.

    The folder `certs` has ca.der and terminal.der, with its issuers' certificates behind it; the
    keystore has the entry `tls_key`. raw, sock: of the connection there is; step: the code of what
    fails next. They are `connecting`'s to set.
    """

    def __init__(self, wifi, host, port, server_name, certs, keystore, clock):
        self.wifi = wifi
        self.host = host
        self.port = port
        self.server_name = server_name
        self.certs = certs
        self.keystore = keystore
        self.clock = clock
        self.raw = None
        self.sock = None
        self.step = CLOSED
        self._since_ms = 0
        self.is_open = False

    async def open(self):
        """Connect and shake hands; a connection that there was is closed. Raises LinkError, and
        rooms.NoRoom when there is none for what makes a connection.
        """
        self.shut()
        await rooms.ask("drivers.connecting", "connect", self)
        self.is_open = True

    async def write(self, buf, n):
        """Send the first `n` bytes of `buf`. Raises LinkError."""
        if not self.is_open:
            raise LinkError(CLOSED)
        await self.within(self._move(self.sock.write, memoryview(buf)[:n]))

    async def read_into(self, buf, off, n):
        """Receive exactly `n` bytes to `buf` from `off` on. Raises LinkError."""
        if not self.is_open:
            raise LinkError(CLOSED)
        await self.within(self._move(self.sock.readinto, memoryview(buf)[off : off + n]))

    def dates(self, name):
        """Return from when until when the certificate `terminal` or `ca` is good, in seconds since
        1970; (0, 0) when it is missing or can't be read.
        """
        return rooms.ask("drivers.certificate", "dates", "%s/%s.der" % (self.certs, name))

    async def close(self):
        """Close the line; harmless when it is closed."""
        self.shut()
        await asyncio.sleep_ms(0)

    async def turn(self):
        """Let others work while the acquirer does. Raises LinkError when that takes too long."""
        if time.ticks_diff(time.ticks_ms(), self._since_ms) >= LIMIT_MS:
            raise LinkError(TIMEOUT)
        await asyncio.sleep_ms(_TURN_MS)

    async def within(self, work):
        """Await `work` for as long as the limit lets `turn` go on. Raises LinkError."""
        self._since_ms = time.ticks_ms()
        code = 0
        done = False
        try:
            await work
            done = True
        except OSError as fault:
            code = TLS if fault.errno < _TLS_ERRNO else self.step
        finally:
            if not done:
                self.shut()
        if code:
            raise LinkError(code)

    async def _move(self, move, view):
        # Have all of `view` sent or filled.
        at = 0
        while at < len(view):
            got = move(view[at:] if at else view)
            if got is None:
                await self.turn()
            elif got == 0:
                raise OSError(0)
            else:
                at += got

    def shut(self):
        """Let go of what there is of a connection."""
        self.is_open = False
        # After a failed handshake the TLS socket no longer closes the one below it.
        for sock in (self.sock, self.raw):
            if sock is not None:
                try:
                    sock.close()
                except OSError:  # it was closed with the TLS socket
                    pass
        self.sock = self.raw = None
