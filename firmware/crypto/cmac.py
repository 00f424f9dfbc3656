"""AES-CMAC (NIST SP 800-38B, RFC 4493) over bytes that stay where they are.

Always holds: apart from the cipher object that `Cmac` makes once per key, nothing is allocated;
the message is neither copied nor changed. Imports `cryptolib` and `crypto.wipe` only.
"""

from cryptolib import aes
from micropython import const

from firmware.crypto.wipe import wipe

_ECB = const(1)
_BLOCK = const(16)


def _double(block):
    """Multiply the 16-byte `block` by x in GF(2^128), in place."""
    carry = 0
    for i in range(_BLOCK - 1, -1, -1):
        value = block[i] << 1 | carry
        block[i] = value & 0xFF
        carry = value >> 8
    if carry:
        block[_BLOCK - 1] ^= 0x87


class Cmac:
    """One AES-128 key, ready for any number of messages, one after the other."""

    def __init__(self, key):
        """Take the 16-byte `key`; the only step that allocates."""
        self._aes = aes(key, _ECB)
        self._state = bytearray(_BLOCK)
        self._subkey = bytearray(_BLOCK)
        self._used = 0

    def start(self):
        """Begin a new message."""
        wipe(self._state)
        self._used = 0

    def update(self, buf, off, n):
        """Take `n` more bytes of the message from `buf[off]`."""
        state = self._state
        used = self._used
        for i in range(off, off + n):
            if used == _BLOCK:
                self._aes.encrypt(state, state)
                used = 0
            state[used] ^= buf[i]
            used += 1
        self._used = used

    def finish(self, out, off):
        """Write the 16-byte tag to `out[off]`. The next message begins with `start`."""
        state = self._state
        subkey = self._subkey
        wipe(subkey)
        self._aes.encrypt(subkey, subkey)
        _double(subkey)
        if self._used < _BLOCK:
            _double(subkey)
            state[self._used] ^= 0x80
        for i in range(_BLOCK):
            state[i] ^= subkey[i]
        self._aes.encrypt(state, state)
        for i in range(_BLOCK):
            out[off + i] = state[i]
        wipe(state)
        wipe(subkey)


def mac(key, buf, off, n, out, out_off):
    """Write the 16-byte CMAC under `key` of `buf[off:off + n]` to `out[out_off]`."""
    cmac = Cmac(key)
    cmac.update(buf, off, n)
    cmac.finish(out, out_off)
