"""The acquirer's TLS server: connections, frames and time limits.

A client without a certificate of our CA never gets past the handshake. After it: one frame at a
time, bounded in size and time, each answered by the Exchange room or the connection closed.
Whatever a client sends ends at worst its own connection. May import: office, exchange, message,
books, pki.

Events. `on_event(name, info)` is called (and awaited, if it returns an awaitable) with
    connected  a client passed the handshake        received   a frame was read, nothing done yet
    processed  the answer is built and stored       replied    the answer was sent
    closed     the connection has ended             listening  once, with the port
At `received` and `processed` it may return DROP (the connection is cut without an answer), and at
`received` a response code of two characters, which is answered without any processing, or a
function that alters the answer before it gets its MAC (see Exchange.answer). That is how scenarios
lose a request, lose a reply, meet a bank that is out, or an acquirer that lies.
"""

import asyncio
import contextlib
import inspect
import itertools
import logging
import ssl
import time
from dataclasses import dataclass

from tools.acquirer import message, pki
from tools.acquirer.books import BooksHeld
from tools.acquirer.exchange import SYSTEM_ERROR, Exchange
from tools.acquirer.office import Home, OfficeError

_log = logging.getLogger("tools.acquirer")

DROP = "drop"
DEFAULT_PORT = 8583

_BOOKS_LOOK_S = 0.05


@dataclass(frozen=True)
class Limits:
    """Seconds that a client may take."""

    handshake_s: float = 30
    frame_s: float = 30
    idle_s: float = 120
    closing_s: float = 2
    books_s: float = 2  # that a message waits for another process which holds the books


class Acquirer:
    """The acquirer's host on the running event loop.

    home: the folder that `init` made; on_event: see above; clock: Unix time in seconds; limits:
    Limits.
    """

    def __init__(self, home, on_event=None, clock=time.time, limits=None):
        self.home = Home(home)
        self.on_event = on_event
        self.port = None
        self._clock = clock
        self._limits = limits or Limits()
        self._server = None
        self._books = None
        self._banks = None
        self._exchange = None
        self._clients = {}
        self._numbers = itertools.count(1)

    async def start(self, host="127.0.0.1", port=0):
        """Open the books and listen. Returns the port (chosen by the system for 0)."""
        self.home.check()
        context = pki.server_context(
            self.home.ca_path, self.home.server_path, self.home.server_key_path
        )
        self._books = self.home.open_books(patience_s=0)  # who waits is the message, in _answered
        try:
            self._banks = self.home.open_banks()
        except OfficeError:
            self._books.close()
            raise
        key = self.home.base_key()
        self._exchange = Exchange(self._books, key, self._clock, self._banks)
        try:
            self._server = await asyncio.start_server(
                self._serve_client,
                host,
                port,
                limit=2 * message.MAX_FRAME,
                ssl=context,
                ssl_handshake_timeout=self._limits.handshake_s,
                ssl_shutdown_timeout=self._limits.closing_s,
            )
        except OSError:
            self._close()
            raise
        self.port = self._server.sockets[0].getsockname()[1]
        await self._tell("listening", {"host": host, "port": self.port})
        return self.port

    async def stop(self):
        """Stop listening, cut what is connected, close the books; all messages are whole."""
        if self._server is None:
            return
        self._server.close()
        for task in self._clients.values():
            task.cancel()
        await asyncio.gather(*self._clients.values(), return_exceptions=True)
        self._server = None
        self._close()

    def _close(self):
        self._books.close()
        self._banks.close()

    async def serve(self, host="127.0.0.1", port=DEFAULT_PORT):
        """Start, then serve until cancelled; always stops cleanly."""
        await self.start(host, port)
        try:
            await asyncio.Event().wait()
        finally:
            await self.stop()

    async def __aenter__(self):
        if self._server is None:
            await self.start()
        return self

    async def __aexit__(self, *_):
        await self.stop()

    async def _tell(self, name, info):
        if self.on_event is None:
            return None
        answer = self.on_event(name, info)
        return await answer if inspect.isawaitable(answer) else answer

    async def _serve_client(self, reader, writer):
        number = next(self._numbers)
        self._clients[number] = asyncio.current_task()
        client = {
            "connection": number,
            "peer": writer.get_extra_info("peername"),
            "common_name": pki.common_name(writer.get_extra_info("peercert")),
        }
        try:
            await self._tell("connected", client)
            while await self._exchange_one(reader, writer, client):
                pass
        except (TimeoutError, asyncio.IncompleteReadError, ssl.SSLError, OSError) as error:
            _log.info("connection %d ended: %s", number, type(error).__name__)
        except asyncio.CancelledError:
            writer.transport.abort()  # the server is stopping
        except Exception:  # whatever went wrong here ends this connection, not the server
            _log.exception("connection %d failed", number)
        finally:
            del self._clients[number]
            writer.close()
            with contextlib.suppress(TimeoutError, OSError, asyncio.CancelledError):
                async with asyncio.timeout(self._limits.closing_s):
                    await writer.wait_closed()
            try:
                await self._tell("closed", client)
            except Exception:  # a listener's fault is not the connection's
                _log.exception("listener failed")

    async def _exchange_one(self, reader, writer, client):
        """Read one frame and answer it. Returns False when the connection is to be closed."""
        tpdu, body = await self._read_frame(reader)
        if body is None:
            return False
        told = await self._tell("received", client | {"mti": body[:2].hex(), "size": len(body)})
        if told == DROP:
            writer.transport.abort()
            return False
        try:
            answer = await self._answered(body, client["common_name"], told)
        except message.Unanswerable as why:
            _log.info("connection %d: %s", client["connection"], why)
            return False
        if await self._tell("processed", client | answer.info) == DROP:
            writer.transport.abort()
            return False
        writer.write(message.frame(message.reply_tpdu(tpdu), answer.body))
        async with asyncio.timeout(self._limits.frame_s):
            await writer.drain()
        await self._tell("replied", client | answer.info)
        return True

    async def _answered(self, body, common_name, instead):
        """Answer, once the books can be had; 96 when somebody else holds them for too long.

        Other connections are served meanwhile. Raises Unanswerable.
        """
        end = time.monotonic() + self._limits.books_s
        while True:
            try:
                return self._exchange.answer(body, common_name, instead)
            except BooksHeld:
                if time.monotonic() > end:
                    break
            await asyncio.sleep(_BOOKS_LOOK_S)
        try:
            return self._exchange.answer(body, common_name, SYSTEM_ERROR)
        except BooksHeld:
            raise message.Unanswerable("the books cannot even be read") from None

    async def _read_frame(self, reader):
        """(TPDU, body) of the next frame; (None, None) when what comes is not one."""
        async with asyncio.timeout(self._limits.idle_s):
            first = await reader.read(1)
        if not first:
            return None, None
        async with asyncio.timeout(self._limits.frame_s):
            size = int.from_bytes(first + await reader.readexactly(1), "big")
            if not message.MIN_FRAME <= size <= message.MAX_FRAME:
                return None, None
            head = await reader.readexactly(1)
            if head != message.DEFAULT_TPDU[:1]:
                return None, None
            whole = head + await reader.readexactly(size - 1)
        return whole[:5], whole[5:]
