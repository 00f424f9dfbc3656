"""The page's server: who may talk to it, and that nothing it is sent stops it."""

import asyncio
import json

import aiohttp
import pytest

from host_tests.web.fake import IDENTITY, SLIP, FakeDesk, FakeTerminal
from tools.simulator import server
from tools.simulator.bench import Bench

PARTS = {
    "": "text/html",
    "page.js": "text/javascript",
    "page.css": "text/css",
    "words/zh.json": "application/json",
    "icon.svg": "image/svg+xml",
}


def served(test):
    """Run `test(session, url, terminal)` against a served bench."""

    def run():
        async def body():
            terminal = FakeTerminal()
            bench = Bench(terminal, IDENTITY, SLIP, "127.0.0.1:1", FakeDesk())
            async with server.serving(bench) as url, aiohttp.ClientSession() as session:
                await test(session, url.rstrip("/"), terminal)

        asyncio.run(body())

    run.__name__ = test.__name__
    return run


def origin(url):
    return url.rpartition("/")[0]


def open_socket(session, url, **headers):
    return session.ws_connect(f"{url}/socket", headers={"Origin": origin(url), **headers})


async def hear(socket, kind):
    """Return the next JSON message of `kind`, or the next frame for bytes."""
    async with asyncio.timeout(5):
        async for message in socket:
            if kind is bytes and message.type is aiohttp.WSMsgType.BINARY:
                return message.data
            if message.type is aiohttp.WSMsgType.TEXT:
                decoded = json.loads(message.data)
                if decoded["type"] == kind:
                    return decoded
    raise AssertionError(f"closed before {kind}")


@served
async def test_the_page_comes_with_its_parts_and_strict_headers(session, url, terminal):
    for name, kind in PARTS.items():
        async with session.get(f"{url}/{name}") as answer:
            assert answer.status == 200
            assert answer.content_type == kind
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


@served
async def test_only_the_page_is_served(session, url, terminal):
    for name in ("../server.py", "%2e%2e/server.py", "..%2fserver.py", "words", "socket.py", "//"):
        async with session.get(f"{url}/{name}") as answer:
            assert answer.status in (403, 404)


@served
async def test_who_does_not_know_the_pages_token_gets_nothing_at_all(session, url, terminal):
    door, token = url.rsplit("/", 1)
    wrong = ("", token[:-1], f"{token}x", token.upper(), "%00", f"x/{token}")
    for given in wrong:
        for name in PARTS:
            async with session.get(f"{door}/{given}/{name}") as answer:
                assert answer.status == 403
                assert token not in await answer.text()
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{door}/{given}/socket", headers={"Origin": door})
        assert refused.value.status == 403
    for query in (f"?token={token}", f"socket?{token}", ""):
        async with session.get(f"{door}/{query}") as answer:
            assert answer.status == 403


@served
async def test_a_name_that_was_pointed_here_is_refused(session, url, terminal):
    for host in ("evil.example", "127.0.0.1.evil.example", "", "[", "localhost@evil.example"):
        async with session.get(f"{url}/", headers={"Host": host}) as answer:
            assert answer.status in (400, 403), host


@served
async def test_another_site_cannot_open_the_socket(session, url, terminal):
    own = origin(url)
    for other in ("https://evil.example", "null", own.replace("http", "https"), f"{own}0", ""):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{url}/socket", headers={"Origin": other})
        assert refused.value.status == 403
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await session.ws_connect(f"{url}/socket")


@served
async def test_two_tabs_see_the_same_terminal(session, url, terminal):
    async with open_socket(session, url) as one, open_socket(session, url) as other:
        assert (await hear(one, "hello"))["terminal"]["terminal"] == IDENTITY["terminal"]
        await one.send_json({"type": "power", "on": True})
        while not (await hear(other, "state"))["on"]:
            pass
        terminal.show(["你好"], bytes([0x55]) * 1024)
        for tab in (one, other):
            while (await hear(tab, bytes))[2:] != bytes([0x55]) * 1024:
                pass


@served
async def test_nothing_a_page_sends_stops_the_server(session, url, terminal):
    async with open_socket(session, url) as rude, open_socket(session, url) as calm:
        for text in ("", "{", "[]", "null", "[" * 2000, '{"type":"key"}', '{"type":{}}', "\ud800"):
            await rude.send_str(text.encode("utf-8", "replace").decode())
        await rude.send_bytes(bytes(1000))
        await rude.send_json({"type": "key", "key": "A", "down": True})
        await rude.send_str("x" * (server.MESSAGE_LIMIT + 1))
        async with asyncio.timeout(5):
            while (await rude.receive()).type not in (
                aiohttp.WSMsgType.CLOSE,
                aiohttp.WSMsgType.CLOSED,
            ):
                pass
        await calm.send_json({"type": "power", "on": True})
        while not (await hear(calm, "state"))["on"]:
            pass
    async with asyncio.timeout(5):
        while ("up", "A") not in terminal.deeds:
            await asyncio.sleep(0.01)


@served
async def test_the_number_of_tabs_is_bounded(session, url, terminal):
    tabs = [await open_socket(session, url) for _ in range(server.TABS_LIMIT)]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await open_socket(session, url)
    assert refused.value.status == 503
    await tabs.pop().close()
    async with asyncio.timeout(5):
        while True:
            try:
                tabs.append(await open_socket(session, url))
                break
            except aiohttp.WSServerHandshakeError:
                await asyncio.sleep(0.01)
    for tab in tabs:
        await tab.close()


def test_a_tab_that_does_not_read_is_dropped_not_waited_for():
    class Socket:
        closed = False

        async def close(self):
            self.closed = True

    async def body():
        tab = server.Tab(Socket())
        for number in range(server.WAITING_LIMIT + 1):
            tab.text({"type": "console", "lines": [str(number)]})
        await asyncio.wait_for(tab.run(), 5)
        assert tab._socket.closed

    asyncio.run(body())
