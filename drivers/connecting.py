"""How the line to the acquirer is made: the network, the name, the socket, the handshake.

What always holds: whatever fails, what there is of the connection is the link's to close; too
little memory is told as that. In memory only while a connection is made. May import socket, tls,
firmware.rooms and the codes of tls_link.
"""

import asyncio
import select
import socket
import time

import tls
from micropython import const

from drivers.tls_link import CERTIFICATE, CLOSED, CONNECT, DNS, TLS
from firmware import rooms

_WIFI_MS = const(8000)
_EINPROGRESS = (115, 119, 36)  # Linux, lwIP, macOS
_BROKEN = select.POLLERR | select.POLLHUP


async def wifi(station):
    """Wait for a network that is being joined; return whether it is there."""
    start_ms = time.ticks_ms()
    while not station.connected:
        late = time.ticks_diff(time.ticks_ms(), start_ms) >= _WIFI_MS
        if late or not station.connecting:
            return False
        await asyncio.sleep_ms(100)
    return True


async def connect(link):
    """Connect `link` and shake hands; `link.step` says all along what fails if it fails. Raises
    OSError, ValueError when a certificate does not verify, and NoRoom.
    """
    try:
        link.step = CERTIFICATE
        context = _context(link)
        link.step = DNS
        found = socket.getaddrinfo(link.host, link.port, socket.AF_INET, socket.SOCK_STREAM)[0]
        link.step = CONNECT
        link.raw = raw = socket.socket(found[0], found[1], found[2])
        raw.setblocking(False)
        try:
            raw.connect(found[-1])
        except OSError as fault:
            if fault.errno not in _EINPROGRESS:
                raise
        poller = select.poll()
        poller.register(raw, select.POLLOUT | _BROKEN)
        while not (ready := poller.poll(0)):
            await link.turn()
        if ready[0][1] & _BROKEN:
            raise OSError(0)
        link.step = TLS
        link.sock = sock = context.wrap_socket(
            raw, server_hostname=link.server_name, do_handshake_on_connect=False
        )
        # Reading drives the handshake. The acquirer never speaks first, so nothing but the
        # handshake can arrive, and the peer's certificate is known only when it is over.
        probe = bytearray(1)
        while (got := sock.readinto(probe)) is None and sock.getpeercert(True) is None:
            await link.turn()
        if got is not None:
            raise OSError(0)
        link.step = CLOSED
    except MemoryError:
        raise rooms.NoRoom from None
    except (OSError, ValueError) as fault:
        rooms.run("drivers.shortage", fault)
        raise


def _context(link):
    # For mutual TLS from the acquirer's CA, the terminal's certificate and its key.
    try:
        made = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        made.verify_mode = tls.CERT_REQUIRED
        made.load_verify_locations(_read(link.certs + "/ca.der"))
        key = link.keystore and link.keystore.get_bytes("tls_key")
        made.load_cert_chain(_read(link.certs + "/terminal.der"), key)
        return made
    except (OSError, TypeError) as fault:  # one of the three is missing or damaged
        if isinstance(fault, OSError):
            rooms.run("drivers.shortage", fault)
        raise ValueError from None


def _read(path):
    with open(path, "rb") as file:
        return file.read()
