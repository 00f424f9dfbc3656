"""One client's TLS connection over a plain stream: what it costs before it has proven itself.

What always holds: a client has no TLS state, which takes 45 KB, until its hello has come as a
whole; one that is not through its handshake may send MAX_HANDSHAKE bytes and is given no bytes of
ours but the handshake's. asyncio's own TLS keeps a buffer of 256 KB for every connection that was
accepted, which is why it is not used here. May import: ssl.
"""

import contextlib
import ssl

MAX_HANDSHAKE = 16 * 1024  # of a client: its chain of certificates takes most of it
STREAM_LIMIT = 4096  # of the plain stream below; it holds up to twice as much

_HANDSHAKE_RECORD = 22
_CLIENT_HELLO = 1
_MAX_HELLO = 4096
_HEADER = 5  # of a record: its type, version and length


class Secure:
    """The server's end of TLS over (reader, writer). Whoever fails here raises ssl.SSLError,
    OSError or, where the stream ended, EOFError.
    """

    def __init__(self, reader, writer):
        self._reader = reader
        self._writer = writer
        self._incoming = self._outgoing = self._tls = None

    async def greeting(self):
        """Wait for the client's hello; returns its record, from which nothing is believed yet."""
        header = await self._reader.readexactly(_HEADER)
        size = int.from_bytes(header[3:], "big")
        if header[0] != _HANDSHAKE_RECORD or not 4 < size <= _MAX_HELLO:
            raise ssl.SSLError("no TLS client speaks like that")
        body = await self._reader.readexactly(size)
        if body[0] != _CLIENT_HELLO or int.from_bytes(body[1:4], "big") > size - 4:
            raise ssl.SSLError("no hello, or one in pieces")
        return header + body

    async def handshake(self, first, context):
        """Shake hands with a client whose hello was `first`. After it the peer is who its
        certificate says.
        """
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._incoming.write(first)
        taken = len(first)
        while not self._is_done(self._tls.do_handshake):
            taken += await self._receive()
            if taken > MAX_HANDSHAKE:
                raise ssl.SSLError("too long a handshake")

    def certificate(self):
        """(what `ssl` says about the client's certificate, the same in DER)"""
        return self._tls.getpeercert(), self._tls.getpeercert(binary_form=True)

    async def read(self, count):
        """Up to `count` bytes, at least one; none when the client has ended."""
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                try:
                    return self._tls.read(count)
                except ssl.SSLZeroReturnError:
                    return b""
            self._flush()
            if not await self._receive():
                return b""

    async def read_exactly(self, count):
        """Exactly `count` bytes. Raises EOFError."""
        parts = []
        while count:
            parts.append(await self.read(count))
            if not parts[-1]:
                raise EOFError
            count -= len(parts[-1])
        return b"".join(parts)

    async def write(self, data):
        """Send all of `data`."""
        self._tls.write(data)
        self._flush()
        await self._writer.drain()

    def abort(self):
        """Cut the connection; nothing more is sent, and its memory is free at once."""
        self._writer.transport.abort()
        self._incoming = self._outgoing = self._tls = None

    async def close(self):
        """Say that nothing more comes, where there was a handshake, and close."""
        if self._tls is not None:
            with contextlib.suppress(ssl.SSLError):  # the client's own word need not come
                self._tls.unwrap()
            self._writer.write(self._outgoing.read())
        self._writer.close()
        await self._writer.wait_closed()

    def _is_done(self, step):
        """Take a step of the handshake; False when it waits for the client. No error is held while
        something waits: with its traceback it would hold the TLS state.
        """
        try:
            step()
        except ssl.SSLWantReadError:
            return False
        finally:
            self._flush()  # in a failure too: the alert says why
        return True

    def _flush(self):
        if self._outgoing.pending:
            self._writer.write(self._outgoing.read())

    async def _receive(self):
        """Take what has come; how many bytes, 0 at the end of the stream."""
        await self._writer.drain()
        data = await self._reader.read(STREAM_LIMIT)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        return len(data)
