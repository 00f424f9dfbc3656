"""The acquirer's TLS server: connections, frames and time limits.

A client without a certificate of our CA, or with one that was revoked, never gets past the
handshake. After it: one frame at a time, bounded in size and time, each answered by the Exchange
room or the connection closed. Whatever a client sends ends at worst its own connection. There are
only so many that have not proven who they are, and so many of one certificate: a newer one ends
the oldest, of strangers the oldest of the address that has most of them, so that a crowd makes
room for terminals elsewhere. May import: office, exchange, message, books, pki, secure,
tools.private.

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
import hashlib
import inspect
import itertools
import logging
import ssl
import time
from collections import Counter
from dataclasses import dataclass

from tools.acquirer import message, pki
from tools.acquirer.books import BooksHeld
from tools.acquirer.exchange import SYSTEM_ERROR, Exchange
from tools.acquirer.office import Home
from tools.acquirer.secure import STREAM_LIMIT, Secure
from tools.private import keep_private

_log = logging.getLogger("tools.acquirer")

DROP = "drop"
DEFAULT_PORT = 8583

_BOOKS_LOOK_S = 0.05
_TIME_LOOK_S = 1


@dataclass(frozen=True)
class Limits:
    """Seconds that a client may take, and how many there may be at once."""

    handshake_s: float = 10  # from its first sign of life on: the TCP connection
    frame_s: float = 30
    idle_s: float = 120
    closing_s: float = 2
    books_s: float = 2  # that a message waits for another process which holds the books
    strangers: int = 512  # connections before their handshake is done
    handshakes: int = 64  # of them, those whose hello has come
    per_certificate: int = 4  # connections after it


class Acquirer:
    """The acquirer's host on the running event loop.

    home: the folder that `init` made; on_event: see above; clock: Unix time in seconds; limits:
    Limits.
    """

    def __init__(self, home, on_event=None, clock=time.time, limits=None):
        self.home = Home(home)
        self.on_event = on_event
        self.port = None
        self.clock = clock
        self._limits = limits or Limits()
        self._server = None
        self._time = None
        self._books = None
        self._banks = None
        self._exchange = None
        self._clients = {}
        self._silent = {}  # {number of a connection: (address, Secure)}, the oldest first
        self._greeting = {}  # the same, once their hello has come
        self._known = {}  # {certificate: {number: task}}
        self._context = None
        self._context_of = None  # when the list of revoked certificates was made that it knows
        self._numbers = itertools.count(1)

    async def start(self, host="127.0.0.1", port=0):
        """Open the books and listen. Returns the port (chosen by the system for 0)."""
        self.home.check()
        keep_private(self.home.path)  # one from before they were
        self._books = self.home.open_books(patience_s=0)  # who waits is the message, in _answered
        try:
            self._banks = self.home.open_banks()
            key = self.home.base_key()
            self._exchange = Exchange(self._books, key, self.clock, self._banks)
            if not self.home.revoked_path.exists():  # of a home from before there was one
                self.home.publish_revoked(self._books)
            self._tls()
            self._server = await asyncio.start_server(
                self._serve_client,
                host,
                port,
                limit=STREAM_LIMIT,
                backlog=self._limits.strangers,
            )
        except BaseException:  # whatever it is, nothing stays open
            self._close()
            raise
        self._time = asyncio.create_task(self._pass_time())
        self.port = self._server.sockets[0].getsockname()[1]
        await self._tell("listening", {"host": host, "port": self.port})
        return self.port

    async def stop(self):
        """Stop listening, cut what is connected, close the books; all messages are whole."""
        if self._server is None:
            return
        self._server.close()
        tasks = [self._time, *self._clients.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._server = None
        self._close()

    def _close(self):
        self._books.close()
        if self._banks is not None:
            self._banks.close()
            self._banks = None

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

    async def _pass_time(self):
        """Settle what is due while no message comes."""
        while True:
            await asyncio.sleep(_TIME_LOOK_S)
            try:
                self._exchange.pass_time()
            except BooksHeld:
                pass  # the next message, or the next look, does it
            except Exception:
                _log.exception("what is due could not be settled")

    async def _tell(self, name, info):
        if self.on_event is None:
            return None
        answer = self.on_event(name, info)
        return await answer if inspect.isawaitable(answer) else answer

    def _tls(self):
        """The TLS context, made anew when the list of revoked certificates has been."""
        home = self.home
        file = home.revoked_path.stat()
        made = (file.st_ino, file.st_mtime_ns)
        if made != self._context_of:
            self._context = pki.server_context(
                home.ca_path, home.revoked_path, home.server_path, home.server_key_path
            )
            self._context_of = made
        return self._context

    async def _serve_client(self, reader, writer):
        number, task = next(self._numbers), asyncio.current_task()
        line = Secure(reader, writer)
        client = {"connection": number, "peer": writer.get_extra_info("peername")}
        self._clients[number] = task
        try:
            subject, der = await self._proven(number, line, client["peer"][0])
            client["common_name"] = pki.common_name(subject)
            with self._one_of(hashlib.sha256(der).digest(), number):
                await self._serve_known(line, client)
        except (TimeoutError, EOFError, ssl.SSLError, OSError) as error:
            _log.info("connection %d ended: %s", number, type(error).__name__)
        except asyncio.CancelledError:  # the server is stopping, or has to make room
            line.abort()
        except Exception:  # whatever went wrong here ends this connection, not the server
            _log.exception("connection %d failed", number)
        finally:
            del self._clients[number]
            with contextlib.suppress(TimeoutError, OSError, asyncio.CancelledError):
                async with asyncio.timeout(self._limits.closing_s):
                    await line.close()
            if "common_name" in client:
                try:
                    await self._tell("closed", client)
                except Exception:  # a listener's fault is not the connection's
                    _log.exception("listener failed")

    async def _proven(self, number, line, address):
        """Shake hands; what the client's certificate says, and its DER."""
        self._silent[number] = address, line
        self._make_room(self._silent, self._limits.strangers - len(self._greeting))
        try:
            async with asyncio.timeout(self._limits.handshake_s):
                first = await line.greeting()
                self._greeting[number] = self._silent.pop(number)
                self._make_room(self._greeting, self._limits.handshakes)
                await line.handshake(first, self._tls())
        finally:
            self._silent.pop(number, None)
            self._greeting.pop(number, None)
        return line.certificate()

    def _make_room(self, strangers, limit):
        """End the oldest stranger of the address that has most of them, if there are too many."""
        if len(strangers) > limit:
            crowds = Counter(address for address, _ in strangers.values())
            most = max(crowds.values())
            oldest = next(n for n, (address, _) in strangers.items() if crowds[address] == most)
            strangers.pop(oldest)[1].abort()
            self._clients[oldest].cancel()

    @contextlib.contextmanager
    def _one_of(self, certificate, number):
        """Be one of the few connections of a certificate."""
        lines = self._known.setdefault(certificate, {})
        if len(lines) >= self._limits.per_certificate:
            oldest = next(iter(lines))
            lines.pop(oldest).cancel()
        lines[number] = self._clients[number]
        try:
            yield
        finally:
            lines.pop(number, None)
            if not lines:
                self._known.pop(certificate, None)

    async def _serve_known(self, line, client):
        await self._tell("connected", client)
        while await self._exchange_one(line, client):
            pass

    async def _exchange_one(self, line, client):
        """Read one frame and answer it. Returns False when the connection is to be closed."""
        tpdu, body = await self._read_frame(line)
        if body is None:
            return False
        told = await self._tell("received", client | {"mti": body[:2].hex(), "size": len(body)})
        if told == DROP:
            line.abort()
            return False
        try:
            answer = await self._answered(body, client["common_name"], told)
        except message.Unanswerable as why:
            _log.info("connection %d: %s", client["connection"], why)
            return False
        if await self._tell("processed", client | answer.info) == DROP:
            line.abort()
            return False
        async with asyncio.timeout(self._limits.frame_s):
            await line.write(message.frame(message.reply_tpdu(tpdu), answer.body))
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

    async def _read_frame(self, line):
        """(TPDU, body) of the next frame; (None, None) when what comes is not one."""
        async with asyncio.timeout(self._limits.idle_s):
            first = await line.read(1)
        if not first:
            return None, None
        async with asyncio.timeout(self._limits.frame_s):
            size = int.from_bytes(first + await line.read_exactly(1), "big")
            if not message.MIN_FRAME <= size <= message.MAX_FRAME:
                return None, None
            head = await line.read_exactly(1)
            if head != message.DEFAULT_TPDU[:1]:
                return None, None
            whole = head + await line.read_exactly(size - 1)
        return whole[:5], whole[5:]
