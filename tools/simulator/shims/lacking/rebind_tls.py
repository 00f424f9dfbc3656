"""What the chip's `tls` has and some builds of MicroPython have not: `getpeercert`.

A connection asks it whether the handshake is over: the chip's has no certificate of the peer
before that, and has it only when the peer is proven. Where sockets don't have it, this module is
imported before anything else and takes the place of `tls`: the records are watched on their way
instead. A handshake that fails does so in its own way, with an exception, as anywhere.
"""

import io
import sys

import tls as _tls
from micropython import const
from tls import CERT_REQUIRED, PROTOCOL_TLS_CLIENT  # noqa: F401 (the latter is asked for here)

_CHANGE_CIPHER = const(20)
_HANDSHAKE = const(22)
_DATA = const(23)
_HEAD = const(5)  # of a record: type, version, length


# What stands for the peer's certificate, which can't be had here: one with a name in its SAN.
_NOBODY = bytes.fromhex("30193017a315301330110603551d11040a300882066e6f626f6479")


class _Records:
    """The types of the records that pass in one direction."""

    def __init__(self):
        self._head = bytearray(_HEAD)
        self._have = 0
        self._left = 0

    def pass_on(self, buf, n):
        """Go on by `n` bytes of `buf`; return the types of the records that end there."""
        found = b""
        at = 0
        while at < n:
            if self._have < _HEAD:
                self._head[self._have] = buf[at]
                self._have += 1
                at += 1
                self._left = self._head[3] << 8 | self._head[4]
            else:
                taken = min(self._left, n - at)
                self._left -= taken
                at += taken
            if self._have == _HEAD and not self._left:
                found += self._head[:1]
                self._have = 0
        return found


class _Watched(io.IOBase):
    """A socket below TLS, and how far its handshake has come."""

    def __init__(self, sock):
        self._sock = sock
        self._sent = _Records()
        self._got = _Records()
        self._changed = 0  # cipher changes in turn: 1 ours, 2 the peer's after that
        self.over = False

    def write(self, buf):
        n = self._sock.write(buf)
        for kind in self._sent.pass_on(buf, n or 0):
            if kind == _CHANGE_CIPHER and not self._changed:
                self._changed = 1
            elif kind == _DATA:  # TLS 1.3: our certificate and end, after all of the peer's
                self.over = True
        return n

    def readinto(self, buf):
        n = self._sock.readinto(buf)
        for kind in self._got.pass_on(buf, n or 0):
            if kind == _CHANGE_CIPHER and self._changed == 1:
                self._changed = 2
            elif kind == _HANDSHAKE and self._changed == 2:  # TLS 1.2: the peer's end
                self.over = True
        return n

    def ioctl(self, request, argument):
        return self._sock.ioctl(request, argument) if hasattr(self._sock, "ioctl") else 0

    def close(self):
        self._sock.close()


class _Socket:
    """A TLS socket that can say whether its handshake is over."""

    def __init__(self, sock, watched):
        self._watched = watched
        self.readinto = sock.readinto
        self.write = sock.write
        self.close = sock.close

    def getpeercert(self, binary):
        return _NOBODY if self._watched.over else None


class SSLContext:
    def __init__(self, protocol):
        self._context = _tls.SSLContext(protocol)
        self.load_verify_locations = self._context.load_verify_locations
        self.load_cert_chain = self._context.load_cert_chain
        self.set_ciphers = self._context.set_ciphers
        self.verify_mode = CERT_REQUIRED

    def wrap_socket(self, sock, **how):
        self._context.verify_mode = self.verify_mode
        watched = _Watched(sock)
        return _Socket(self._context.wrap_socket(watched, **how), watched)


sys.modules["tls"] = sys.modules[__name__]
