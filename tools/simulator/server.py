"""The page's server: acquirer, terminal and workbench in one process, for this machine's browsers.

What always holds: it listens on 127.0.0.1 alone and answers only requests that were made to a
loopback name; a socket is opened only by this server's own page (so no web site, and no name that
is pointed at 127.0.0.1, can drive the terminal); what a page sends is bounded and never stops the
server.

Over the socket, server to page: binary frames of flags (1 powered, 2 showing), contrast and the
1024 bytes of the panel; everything else as JSON objects with a `type`. Page to server: JSON only.
"""

import asyncio
import contextlib
import json
from collections import deque
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

PAGE = Path(__file__).with_name("page")
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})

MESSAGE_LIMIT = 2048
TABS_LIMIT = 16
WAITING_LIMIT = 1000  # messages that a tab may lag behind before it has to connect again
HEARTBEAT_S = 20

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


@web.middleware
async def guard(request, handler):
    """Answer only what was asked of a loopback name; have browsers load nothing from elsewhere."""
    host = request.headers.get("Host", "")
    if _hostname(f"//{host}") not in LOOPBACK_NAMES:
        raise web.HTTPForbidden(text="This server answers to 127.0.0.1 and localhost only.\n")
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


def _hostname(url):
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def make_app(bench):
    """Return the web application that shows `bench` (see `bench.Bench`)."""
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

    app = web.Application(middlewares=[guard])
    app.router.add_get("/socket", socket)
    app.router.add_get("/{name:.*}", page_file)
    app.on_shutdown.append(close_tabs)
    return app


def _decoded(text):
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


@contextlib.asynccontextmanager
async def serving(bench, port=0):
    """Serve `bench` on 127.0.0.1; the value is the page's address. Port 0 takes any free port."""
    runner = web.AppRunner(make_app(bench), access_log=None, shutdown_timeout=2)
    await runner.setup()
    watcher = asyncio.create_task(bench.run())
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)
        await runner.cleanup()
