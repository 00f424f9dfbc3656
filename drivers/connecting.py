"""How the line to the acquirer is made: the network, the name, the socket, the handshake.

What always holds: nothing is sent before the host has been verified, its name in a SAN; whatever
fails, what there is of the connection is the link's to close; what it failed of is told by
`cause`. What it trusts, and its ciphers, are of `context`. May import socket, firmware.rooms and
tls_link.
"""

import asyncio
import gc
import select
import socket
import time

from micropython import const

from drivers.tls_link import CLOSED, CONNECT, DNS, OWN, TLS, WIFI, LinkError
from firmware import rooms

_WIFI_MS = const(8000)
_EINPROGRESS = (115, 119, 36)  # Linux, lwIP, macOS
_BROKEN = select.POLLERR | select.POLLHUP
_LATER = "The certificate validity starts in the future"  # and nothing else is wrong with it


async def connect(link):
    """Connect `link` within its limit. Raises LinkError, and NoRoom."""
    if not await _joined(link.wifi):
        raise LinkError(WIFI)
    gc.collect()
    await link.within(_connect(link))


async def _joined(station):
    # Wait for a network that is being joined; return whether it is there.
    start_ms = time.ticks_ms()
    while not station.connected:
        late = time.ticks_diff(time.ticks_ms(), start_ms) >= _WIFI_MS
        if late or not station.connecting:
            return False
        await asyncio.sleep_ms(100)
    return True


async def _connect(link):
    # Connect and shake hands; `link.step` says all along what fails if it fails, and in the end
    # what did. Raises OSError, and NoRoom. A clock that nobody has set yet is put forward to the
    # beginning of the host's certificate.
    try:
        verified = await _shake(link, None)
        if not verified and not link.clock.trusted:
            link.shut()
            await rooms.ask("drivers.beginning", "put_forward", link, _shake)
            verified = await _shake(link, None)
        if not verified:
            raise ValueError
    except MemoryError:
        raise rooms.NoRoom from None
    except (OSError, ValueError, TypeError) as fault:  # the last of a key that is missing
        link.step = rooms.ask("drivers.cause", "code", link.step, fault)
        raise OSError(0) from None


async def _shake(link, look):
    # Returns whether all verified: False when the host's certificate begins later. `look` is
    # shown every certificate of the host's.
    try:
        link.step = OWN
        context = rooms.ask("drivers.context", "make", link)
        if look:
            context.verify_callback = look
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
            raw.recv(1)  # says why, like any use of it
            raise OSError(0)
        link.step = TLS
        link.sock = sock = context.wrap_socket(
            raw, server_hostname=link.server_name, do_handshake_on_connect=False
        )
        # Reading drives the handshake. The acquirer never speaks first, so nothing but the
        # handshake can arrive, and the peer's certificate is known only when it is over.
        probe = bytearray(1)
        while (got := sock.readinto(probe)) is None and (der := sock.getpeercert(True)) is None:
            await link.turn()
        if got is not None:
            raise OSError(0)
        rooms.ask("drivers.named", "check", der)
        link.step = CLOSED
        return True
    except ValueError as fault:
        if str(fault).strip() != _LATER:
            raise
        return False
