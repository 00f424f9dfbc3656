"""How the line to the acquirer is made: the network, the name, the socket, the handshake.

What always holds: nothing is sent before the host has been verified, its name in a SAN, under a
cipher that authenticates what it carries (AEAD); whatever fails, what there is of the connection
is the link's to close; what it failed of is told by `cause`. May import socket, tls,
firmware.rooms and tls_link.
"""

import asyncio
import gc
import select
import socket
import time

import tls
from micropython import const

from drivers.tls_link import CLOSED, CONNECT, DNS, OWN, TLS, WIFI, LinkError
from firmware import rooms

_WIFI_MS = const(8000)
_EINPROGRESS = (115, 119, 36)  # Linux, lwIP, macOS
_BROKEN = select.POLLERR | select.POLLHUP
# TLS 1.2; 1.3, where MicroPython has it, has others.
_CIPHERS = (
    "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256",
    "TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256",
    "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384",
    "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384",
)
_NEWER = ("TLS1-3-AES-128-GCM-SHA256", "TLS1-3-AES-256-GCM-SHA384")
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
        context = _context(link)
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


def _context(link):
    # For mutual TLS from the acquirer's CA, the terminal's certificate and its key.
    made = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    made.verify_mode = tls.CERT_REQUIRED
    made.load_verify_locations(_read(link.certs + "/ca.der"))
    key = link.keystore and link.keystore.get_bytes("tls_key")
    own = _read(link.certs + "/terminal.der")
    if len(own) > 4 and len(own) > (own[2] << 8 | own[3]) + 4:  # its issuers' follow
        own = rooms.ask("drivers.chain", "pem", own)
    made.load_cert_chain(own, key)
    try:
        made.set_ciphers(_NEWER + _CIPHERS)
    except OSError:  # it has no TLS 1.3
        made.set_ciphers(_CIPHERS)
    return made


def _read(path):
    with open(path, "rb") as file:
        return file.read()
