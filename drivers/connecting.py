"""How the line to the acquirer is made: the network, the name, the socket, the handshake.

What always holds: whatever fails, what there is of the connection is the link's to close; too
little memory, Python's or the chip's, is never told as a broken line or a bad certificate. In
memory only while a connection is made. May import esp32, socket, tls, firmware.rooms and the codes
of tls_link.
"""

import asyncio
import gc
import select
import socket
import time

import esp32
import tls
from micropython import const

from drivers.tls_link import CERTIFICATE, CLOSED, CONNECT, DNS, TLS, WIFI, LinkError
from firmware import rooms

_WIFI_MS = const(8000)
_EINPROGRESS = (115, 119)  # Linux, lwIP
_BROKEN = select.POLLERR | select.POLLHUP
_FULL = (12, 105)  # ENOMEM, ENOBUFS: of sockets, and what mbedTLS's own becomes
# mbedTLS's "allocation failed", negative: of SSL, ECP, X.509, PK, PEM, MD, cipher; PSA's stands
# alone. An error of theirs may carry one of MPI or ASN.1 in its last seven bits.
_ALLOC = (0x7F00, 0x4D80, 0x2880, 0x3F80, 0x1180, 0x5180, 0x6180)
_ALLOC_LOW = (0x10, 0x6A)
_PSA = const(141)
_LOW = const(0x7F)
_CERTIFICATE_NEEDS = const(8192)  # of the chip's heap, in one piece


async def run(link):
    """Connect `link` within its limit, once there is a network. Raises LinkError, NoRoom."""
    if not await _wifi(link.wifi):
        raise LinkError(WIFI)
    gc.collect()
    await link.within(_connected(link))


async def _wifi(station):
    # Wait for a network that is being joined; whether it is there.
    start_ms = time.ticks_ms()
    while not station.connected:
        late = time.ticks_diff(time.ticks_ms(), start_ms) >= _WIFI_MS
        if late or not station.connecting:
            return False
        await asyncio.sleep_ms(100)
    return True


async def _connected(link):
    # Raises OSError, ValueError when a certificate does not verify, and NoRoom.
    try:
        await _connect(link)
    except OSError as fault:
        if _is_full(fault.errno):
            raise rooms.NoRoom from None
        raise
    except ValueError:  # mbedTLS tells so of a certificate for which it had no room, too
        regions = esp32.idf_heap_info(esp32.HEAP_DATA)
        if max([region[2] for region in regions]) < _CERTIFICATE_NEEDS:
            raise rooms.NoRoom from None
        raise


def _is_full(errno):
    if not isinstance(errno, int):  # a name that is not found has words
        return False
    if errno in _FULL:
        return True
    error = -errno
    alloc = error & ~_LOW in _ALLOC or error & _LOW in _ALLOC_LOW
    return error == _PSA or error > 256 and alloc


async def _connect(link):
    # Connect and shake hands; `link.step` says all along what fails if it fails.
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
        if isinstance(fault, OSError) and _is_full(fault.errno):
            raise
        raise ValueError from None


def _read(path):
    with open(path, "rb") as file:
        return file.read()
