"""The relay: TLS records pass whole, and the link breaks where it is told to."""

import asyncio
import contextlib

import pytest

from tools.simulator.models.link import DOWN, UP, Link


def _record(text, kind=b"\x17"):
    return kind + b"\x03\x03" + len(text).to_bytes(2, "big") + text


@contextlib.asynccontextmanager
async def _line():
    """A relay to a host that echoes records, and a list of what reached the host."""
    reached = []

    async def echo(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = await reader.readexactly(5)
                text = await reader.readexactly(int.from_bytes(head[3:5], "big"))
                reached.append(text)
                writer.write(head + text)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    link = Link("127.0.0.1", server.sockets[0].getsockname()[1])
    await link.start()
    try:
        yield link, reached
    finally:
        await link.stop()
        server.close()


async def _talk(link, *texts):
    """Send each text and wait for its echo; return what came back until the line broke."""
    back = []
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", link.local_port)
        for text in texts:
            writer.write(_record(text))
            async with asyncio.timeout(0.5):
                head = await reader.readexactly(5)
                back.append(await reader.readexactly(int.from_bytes(head[3:5], "big")))
        writer.close()
    except (TimeoutError, asyncio.IncompleteReadError, OSError) as error:
        back.append(type(error).__name__)
    return back


def _broken(back):
    return back[-1] in ("IncompleteReadError", "ConnectionResetError", "ConnectionRefusedError")


def test_everything_passes_on_a_whole_line():
    async def story():
        async with _line() as (link, reached):
            big = bytes(16000)
            assert await _talk(link, b"one", big, b"three") == [b"one", big, b"three"]
            assert reached == [b"one", big, b"three"]
            assert link.relayed[UP] == link.relayed[DOWN] == 16008 + 15

    asyncio.run(story())


@pytest.mark.parametrize(
    ("direction", "record", "byte", "reaches", "returns"),
    [
        (UP, 0, 0, [], []),
        (UP, 1, 7, [b"one"], [b"one"]),
        (DOWN, 0, 0, [b"one"], []),
        (DOWN, 1, 6, [b"one", b"two"], [b"one"]),
    ],
)
def test_the_line_breaks_once_at_a_record(direction, record, byte, reaches, returns):
    async def story():
        async with _line() as (link, reached):
            link.cut_at(direction, record, byte)
            back = await _talk(link, b"one", b"two", b"three")
            assert _broken(back) and back[:-1] == returns
            await asyncio.sleep(0.05)
            assert reached == reaches
            assert await _talk(link, b"again") == [b"again"]

    asyncio.run(story())


def test_swallowed_replies_leave_the_line_open():
    async def story():
        async with _line() as (link, reached):
            link.swallow = True
            assert await _talk(link, b"one") == ["TimeoutError"]
            assert reached == [b"one"]
            link.restore()
            assert await _talk(link, b"two") == [b"two"]

    asyncio.run(story())


def test_a_handshake_is_not_swallowed():
    async def story():
        async with _line() as (link, reached):
            link.swallow = True
            reader, writer = await asyncio.open_connection("127.0.0.1", link.local_port)
            writer.write(_record(b"hello", b"\x16"))
            async with asyncio.timeout(2):
                assert await reader.readexactly(10) == _record(b"hello", b"\x16")
            writer.close()

    asyncio.run(story())


def test_nothing_passes_while_refused_or_down():
    async def story():
        async with _line() as (link, reached):
            link.refuse = True
            assert _broken(await _talk(link, b"one"))
            link.restore()
            link.up = False
            assert _broken(await _talk(link, b"one"))
            assert reached == []
            link.up = True
            assert await _talk(link, b"one") == [b"one"]

    asyncio.run(story())


def test_going_down_cuts_what_is_open():
    async def story():
        async with _line() as (link, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", link.local_port)
            writer.write(_record(b"one"))
            await reader.readexactly(8)
            link.up = False
            with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                await reader.readexactly(1)
            writer.close()

    asyncio.run(story())


def test_a_host_that_is_not_there_is_refused():
    async def story():
        link = Link("127.0.0.1", 1)
        await link.start()
        assert _broken(await _talk(link, b"one"))
        await link.stop()

    asyncio.run(story())
