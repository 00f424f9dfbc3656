"""The way between terminal and acquirer: a TCP relay on 127.0.0.1 that can be cut at set moments.

It relays whole TLS records, so a moment can be named: "before the third record upwards". It never
looks inside a record. While Wi-Fi is down (`up = False`) nothing connects and what was open is
cut. Lives on the host's event loop.
"""

import asyncio
import contextlib

UP, DOWN = "up", "down"

_RECORD_HEADER = 5
_SEALED = 0x17  # application data, and in TLS 1.3 what ends the terminal's side of a handshake


class Link:
    """A relay to `(host, port)`. `on_event(name)` tells: connected, closed, cut, refused, up,
    down.

    `refuse` closes new connections at once; `swallow` lets the acquirer's answers vanish on the
    way while connections are made and stay: it begins with what the terminal seals; `relayed`
    counts bytes each way on the present connection.
    """

    def __init__(self, host, port):
        self.host = host
        self.port = port
        self.local_port = None
        self.refuse = False
        self.swallow = False
        self.connections = 0
        self.relayed = {UP: 0, DOWN: 0}
        self.on_event = lambda name: None
        self._up = True
        self._server = None
        self._open = set()
        self._cut_at = None
        self._sealed = False

    async def start(self, local_port=0):
        """Listen on 127.0.0.1; return the port."""
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", local_port)
        self.local_port = self._server.sockets[0].getsockname()[1]
        return self.local_port

    async def stop(self):
        self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    # -- what can go wrong ------------------------------------------------------------------------

    @property
    def up(self):
        return self._up

    @up.setter
    def up(self, up):
        if up == self._up:
            return
        self._up = up
        self.on_event("up" if up else "down")
        if not up:
            self.cut()

    def cut(self):
        """Break every open connection now, without a goodbye."""
        for writer in list(self._open):
            writer.transport.abort()
        if self._open:
            self.on_event("cut")
        self._open.clear()

    def cut_at(self, direction, record=0, byte=0):
        """Break the link once: after `byte` bytes of the `record`-th record (from 0) that goes
        `direction` ("up" or "down") on a connection. Nothing beyond that byte is delivered.
        """
        self._cut_at = (direction, record, byte)

    def restore(self):
        """End every fault: the next connection works."""
        self.refuse = self.swallow = False
        self._cut_at = None
        self.up = True

    # -- the relay --------------------------------------------------------------------------------

    async def _relay(self, near_reader, near_writer):
        if self.refuse or not self._up:
            self.on_event("refused")
            near_writer.transport.abort()
            return
        self._open.add(near_writer)
        far_writer = None
        try:
            far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
            self._open.add(far_writer)
            self.connections += 1
            self.relayed = {UP: 0, DOWN: 0}
            self._sealed = False
            self.on_event("connected")
            ways = [
                asyncio.ensure_future(self._way(UP, near_reader, far_writer)),
                asyncio.ensure_future(self._way(DOWN, far_reader, near_writer)),
            ]
            _, pending = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            # One side has ended: what is already on its way in the other direction still arrives.
            if pending and self._open.issuperset((near_writer, far_writer)):
                await asyncio.wait(pending, timeout=0.2)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            self.on_event("refused")
            near_writer.transport.abort()
        finally:
            for writer in (near_writer, far_writer):
                self._open.discard(writer)
                if writer is not None:
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
            self.on_event("closed")

    async def _way(self, direction, reader, writer):
        number = 0
        while True:
            try:
                record = await reader.readexactly(_RECORD_HEADER)
                record += await reader.readexactly(int.from_bytes(record[3:5], "big"))
            except (asyncio.IncompleteReadError, OSError):
                return
            if self._cut_at is not None and self._cut_at[:2] == (direction, number):
                record = record[: self._cut_at[2]]
                self._cut_at = None
                writer.write(record)
                with contextlib.suppress(OSError):
                    await writer.drain()
                self.cut()
                return
            number += 1
            if direction == UP:
                self._sealed = self._sealed or record[0] == _SEALED
            elif self.swallow and self._sealed:
                continue
            self.relayed[direction] += len(record)
            writer.write(record)
            try:
                await writer.drain()
            except OSError:
                return
