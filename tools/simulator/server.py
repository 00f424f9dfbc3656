"""The page's server: acquirer, terminal and workbench in one process, for this machine's browsers.

What always holds: it listens on 127.0.0.1 alone and answers only requests that were made to a
loopback name under the page's token, the first part of every path (so no other user of the machine
sees the page or its codes); a socket is opened only by this server's own page (so no web site, and
no name that is pointed at 127.0.0.1, can drive the terminal); what a page sends is bounded and
never stops the server.

Over the socket, server to page: binary frames of flags (1 powered, 2 showing), contrast and the
1024 bytes of the panel; everything else as JSON objects with a `type`. Page to server: JSON only.
"""

import asyncio
import contextlib
import json
import logging
import os
import re
import secrets
import signal
import socket
import sqlite3
import sys
from collections import deque
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from tools import command_line
from tools.acquirer import Acquirer, office
from tools.device.bundle import Bundle
from tools.device.certificates import Unusable
from tools.private import write_private
from tools.simulator import workplace
from tools.simulator.bench import Bench, BooksHeld
from tools.simulator.interpreter import NoInterpreter
from tools.simulator.provision import NotThisTerminal, provision
from tools.simulator.terminal import SimulatedTerminal

DEFAULT_PORT = 8080

# What the shop may want to move to.
NEXT_ACCOUNT = {"account": "1001230009876543", "cnaps": "313651027012"}

PAGE = Path(__file__).with_name("page")
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})

MESSAGE_LIMIT = 2048
TABS_LIMIT = 16
WAITING_LIMIT = 1000  # messages that a tab may lag behind before it has to connect again
HEARTBEAT_S = 20

_TOKEN = "page.token"
_TOKEN_BYTES = 18

_log = logging.getLogger(__name__)

_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css",
          ".json": "application/json", ".svg": "image/svg+xml"}  # fmt: skip


class Tab:
    """One browser tab: what waits to be sent to it. Of panel frames only the newest waits."""

    def __init__(self, socket):
        self._socket = socket
        self._texts = deque()
        self._frame = None
        self._wake = asyncio.Event()
        self.overrun = False

    def text(self, message):
        if len(self._texts) >= WAITING_LIMIT:
            self.overrun = True
        else:
            self._texts.append(json.dumps(message, ensure_ascii=False))
        self._wake.set()

    def frame(self, frame):
        self._frame = frame
        self._wake.set()

    async def run(self):
        """Send what waits until the tab goes away or cannot keep up."""
        with contextlib.suppress(ConnectionError):
            while not (self._socket.closed or self.overrun):
                await self._wake.wait()
                self._wake.clear()
                while self._texts:
                    await self._socket.send_str(self._texts.popleft())
                if self._frame is not None:
                    frame, self._frame = self._frame, None
                    await self._socket.send_bytes(frame)
        await self._socket.close()


def guard(token):
    """A middleware that answers only what was asked of a loopback name under the page's token, and
    has browsers load nothing from elsewhere.
    """

    @web.middleware
    async def guarded(request, handler):
        host = request.headers.get("Host", "")
        if _hostname(f"//{host}") not in LOOPBACK_NAMES:
            raise web.HTTPForbidden(text="This server answers to 127.0.0.1 and localhost only.\n")
        given = request.path[1:].partition("/")[0]
        if not secrets.compare_digest(given.encode(), token.encode()):
            raise web.HTTPForbidden(
                text="This page is its owner's alone: take the address that `make run` printed.\n"
            )
        response = await handler(request)
        if not response.prepared:
            response.headers.update({
                "Content-Security-Policy": f"default-src 'self'; connect-src 'self' ws://{host}; "
                "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer",
                "Cross-Origin-Resource-Policy": "same-origin",
                "Cache-Control": "no-cache",
            })  # fmt: skip
        return response

    return guarded


def _hostname(url):
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def make_app(bench, token):
    """Return the web application that shows `bench` (see `bench.Bench`) to who knows `token`."""
    tabs = set()
    files = {
        path.relative_to(PAGE).as_posix(): path
        for path in PAGE.rglob("*")
        if path.suffix in _TYPES
    }

    async def page_file(request):
        path = files.get(request.match_info["name"] or "index.html")
        if path is None:
            raise web.HTTPNotFound
        return web.FileResponse(path, headers={"Content-Type": _TYPES[path.suffix]})

    async def socket(request):
        if request.headers.get("Origin") != f"http://{request.headers['Host']}":
            raise web.HTTPForbidden(text="This socket is for the server's own page.\n")
        if len(tabs) >= TABS_LIMIT:
            raise web.HTTPServiceUnavailable(text="Too many tabs are open.\n")
        socket = web.WebSocketResponse(max_msg_size=MESSAGE_LIMIT, heartbeat=HEARTBEAT_S)
        tabs.add(socket)
        tab = Tab(socket)
        sender = None
        try:
            await socket.prepare(request)
            bench.join(tab)
            sender = asyncio.create_task(tab.run())
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await bench.ask(tab, _decoded(message.data))
        finally:
            tabs.discard(socket)
            bench.leave(tab)
            if sender is not None:
                sender.cancel()
        return socket

    async def close_tabs(app):
        for socket in list(tabs):
            await socket.close(code=1001, message=b"the simulator stops")

    app = web.Application(middlewares=[guard(token)])
    app.router.add_get("/{token}/socket", socket)
    app.router.add_get("/{token}/{name:.*}", page_file)
    app.on_shutdown.append(close_tabs)
    return app


def _decoded(text):
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _report(watcher):
    """Say aloud that the page has stopped following the terminal: it must not just look frozen."""
    if not watcher.cancelled() and watcher.exception() is not None:
        _log.critical("the page follows nothing any more", exc_info=watcher.exception())


@contextlib.asynccontextmanager
async def serving(bench, listener=None, token=None):
    """Serve `bench`; the value is the page's address. listener: a socket, else any free port;
    token: what the address has to carry, else a new one.
    """
    listener = listener or listening(0)
    token = token or secrets.token_urlsafe(_TOKEN_BYTES)
    runner = web.AppRunner(make_app(bench, token), access_log=None, shutdown_timeout=2)
    await runner.setup()
    watcher = asyncio.create_task(bench.run())
    watcher.add_done_callback(_report)
    try:
        await web.SockSite(runner, listener).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/{token}/"
    finally:
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)
        await runner.cleanup()


def listening(port):
    """Return a socket that listens on 127.0.0.1; port 0 takes any that is free. Raises OSError."""
    return socket.create_server(("127.0.0.1", port))


class Trouble(Exception):
    """Why there is nothing to show; the text says what to do."""


class Desk:
    """One terminal's part of the books of an acquirer (its `office.Home`), for `bench.Bench`."""

    def __init__(self, home, terminal):
        self._home = home.path
        self._terminal = terminal
        # A connection of its own sees every commit, also those of the command line. It is used
        # by one thread at a time.
        self._watch = sqlite3.connect(home.books_path, check_same_thread=False)

    def close(self):
        self._watch.close()

    def version(self):
        try:
            return self._watch.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.OperationalError as error:
            raise BooksHeld from error

    def snapshot(self):
        try:
            books = office.read_books(self._home)
        except office.BooksInUse as error:
            raise BooksHeld from error
        return {
            name: [row for row in rows if row["terminal"] == self._terminal]
            for name, rows in books.items()
            if name != "merchants"
        }

    def decide(self, application, accept, reason):
        with self._settling():
            office.decide(self._home, accept, application, reason or None)

    def answer_as_owner(self, application, confirms):
        with self._settling():
            office.answer_as_owner(self._home, confirms, application)

    @contextlib.contextmanager
    def _settling(self):
        try:
            yield
        except office.BooksInUse as error:
            raise BooksHeld from error
        except office.OfficeError as error:
            raise ValueError(str(error)) from error


def add_arguments(parser):
    """Add what `python -m tools.simulator run` takes to an argparse parser."""
    parser.add_argument(
        "--port", type=command_line.port, default=DEFAULT_PORT, help="of the page; 0: any"
    )
    parser.add_argument("--acquirer", metavar="HOST:PORT", help="use this one, not our own")
    parser.add_argument(
        "--bundle", type=command_line.path, metavar="DIR", help="what that acquirer issued"
    )
    parser.add_argument(
        "--home",
        type=command_line.path,
        default=workplace.HOME,
        help="where all is kept (HOME_DIR)",
    )
    parser.add_argument("--heap", type=int, default=workplace.HEAP, help="bytes of Python memory")


def main(args):
    """Run until Ctrl-C. Returns the exit status."""
    try:
        asyncio.run(_run(args))
    except OSError as error:
        print(f"run: {workplace.explained(error)}", file=sys.stderr)
        return 1
    except (
        Trouble,
        NoInterpreter,
        NotThisTerminal,
        Unusable,
        office.OfficeError,
        workplace.BuildFailed,
        workplace.HomeRefused,
    ) as trouble:
        print(f"run: {trouble}", file=sys.stderr)
        return 1
    print("stopped")
    return 0


async def _run(args):
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    elsewhere = _elsewhere(args) if args.acquirer or args.bundle else None
    async with contextlib.AsyncExitStack() as stack:
        try:
            listener = stack.enter_context(listening(args.port))
        except OSError as error:
            raise Trouble(
                f"port {args.port} cannot be used ({os.strerror(error.errno)}): stop what"
                " uses it, or give another PORT=…, 0 for any"
            ) from error
        stack.enter_context(workplace.held(args.home))
        bench = await stack.enter_async_context(
            working(args.home, args.heap, elsewhere, owner_confirms=True)
        )
        token = _kept_token(args.home)
        url = await stack.enter_async_context(serving(bench, listener, token))
        bench.terminal.starved.connect(lambda text: print(f"run: {text}", file=sys.stderr))
        await bench.power(True)
        print(f"acquirer  {bench.address}{' (elsewhere)' if elsewhere else ''}")
        print(f"Ctrl-C stops everything; what happened stays in {args.home}")
        print(f"page      {url}", flush=True)
        await stop.wait()


def _kept_token(home):
    """The token of a home's page: a tab that is open finds the page again after a restart."""
    path = home / _TOKEN
    if not path.exists():
        write_private(path, secrets.token_urlsafe(_TOKEN_BYTES).encode())
    return path.read_text()


@contextlib.asynccontextmanager
async def working(home, heap=workplace.HEAP, elsewhere=None, **enrolment):
    """Open the workplace in `home`, made if need be; the value is its Bench, the terminal off.

    elsewhere: ((host, port), bundle) of an acquirer that does not run here. enrolment: see
    workplace.prepare.
    """
    async with contextlib.AsyncExitStack() as stack:
        if elsewhere:
            (host, port), bundle = elsewhere
            # A terminal of its own: its keys and journal belong to that acquirer.
            place = home / re.sub(r"[^0-9A-Za-z.]+", "-", f"terminal at {host} {port}")
            provision(place, bundle, workplace.device_root(), (host, port))
            acquirer = None
        else:
            workplace.prepare(home, **enrolment)
            bundle, place = home / "bundle", home / "terminal"
            acquirer = await stack.enter_async_context(Acquirer(home / "acquirer"))
            host, port = "127.0.0.1", acquirer.port
        identity = json.loads((bundle / "keys.json").read_text(encoding="utf-8"))
        terminal = _terminal(place, heap)
        stack.push_async_callback(terminal.close)
        terminal.link.host, terminal.link.port = host, port
        desk = None
        if acquirer is not None:
            desk = Desk(acquirer.home, identity["terminal"])
            stack.callback(desk.close)
        bench = Bench(terminal, identity, slip(identity), f"{host}:{port}", desk)
        if acquirer is not None:
            acquirer.on_event = bench.event
        yield bench


def _terminal(home, heap):
    try:
        return SimulatedTerminal(home, heap=heap)
    except RuntimeError as error:  # another process has this home open
        raise Trouble(str(error)) from error


def _elsewhere(args):
    if not (args.acquirer and args.bundle):
        raise Trouble("another acquirer needs both ACQUIRER=host:port and BUNDLE=dir")
    try:
        place = command_line.address(args.acquirer)
    except ValueError as error:
        raise Trouble(f"ACQUIRER={error}") from error
    try:
        Bundle(args.bundle)
    except OSError as error:
        raise Trouble(f"{args.bundle} holds no whole bundle: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Trouble(f"{args.bundle} holds a damaged bundle (keys.json): {error!r}") from error
    return place, args.bundle


def slip(identity):
    """What lies on the counter to type from."""
    first = sorted(identity.get("first_passwords", {}).items(), reverse=True)
    rows = [
        ("passwords", "\n".join(f"{number} · {digits}" for number, digits in first)),
        ("names", "\n".join(identity.get("names", ()))),
        ("account", NEXT_ACCOUNT["account"]),
        ("cnaps", NEXT_ACCOUNT["cnaps"]),
        ("licence", identity.get("licence", "")),
    ]
    return [(key, value) for key, value in rows if value]
