"""AES-CMAC (NIST SP 800-38B, RFC 4493) over bytes that stay where they are.

Always holds: apart from the cipher object that each key takes, nothing is allocated; the message
is neither copied nor changed; a message of n blocks takes n uses of the cipher, a key one more.
Native code: stays in memory. Imports `cryptolib` and `crypto.wipe` only.
"""

import micropython
from cryptolib import aes
from micropython import const

from firmware.crypto.wipe import wipe

_ECB = const(1)
_BLOCK = const(16)

_once_state = bytearray(_BLOCK)  # for `mac`
_once_subkey = bytearray(_BLOCK)


@micropython.viper
def _absorb(cipher, chain, used: int, buf: ptr8, off: int, n: int) -> int:
    """Take `n` more bytes into `chain`, of which `used` are filled; return how many are then."""
    state = ptr8(chain)
    end = off + n
    while off < end:
        if used == _BLOCK:
            cipher.encrypt(chain, chain)
            used = 0
        state[used] = state[used] ^ buf[off]
        used += 1
        off += 1
    return used


@micropython.viper
def _close(cipher, chain, used: int, subkey: ptr8, out: ptr8, off: int):
    """Take the last block and write the tag; `subkey` is the key's empty block, encrypted."""
    state = ptr8(chain)
    # K1 is the subkey times x in GF(2^128), K2 that times x again: one or two bits to the left.
    shift = 1
    if used < _BLOCK:
        state[used] = state[used] ^ 0x80
        shift = 2
    carry = 0
    i = _BLOCK
    while i > 0:
        i -= 1
        value = subkey[i] << shift | carry
        state[i] = state[i] ^ value & 0xFF
        carry = value >> 8
    # What was shifted out comes back as x^7 + x^2 + x + 1, times x for the upper one of two bits.
    back = (0x87 if carry & 1 else 0) ^ (0x10E if carry & 2 else 0)
    state[_BLOCK - 1] = state[_BLOCK - 1] ^ back & 0xFF
    state[_BLOCK - 2] = state[_BLOCK - 2] ^ back >> 8
    cipher.encrypt(chain, chain)
    while i < _BLOCK:
        out[off + i] = state[i]
        state[i] = 0
        i += 1


class Cmac:
    """One AES-128 key, ready for any number of messages, one after the other."""

    def __init__(self, key):
        """Take the 16-byte `key`; the only step that allocates."""
        self._aes = aes(key, _ECB)
        self._state = bytearray(_BLOCK)
        self._subkey = bytearray(_BLOCK)
        self._aes.encrypt(self._subkey, self._subkey)
        self._used = 0

    @micropython.viper
    def start(self):
        """Begin a new message."""
        wipe(self._state)
        self._used = 0

    @micropython.viper
    def update(self, buf, off: int, n: int):
        """Take `n` more bytes of the message from `buf[off]`."""
        self._used = _absorb(self._aes, self._state, self._used, buf, off, n)

    @micropython.viper
    def finish(self, out, off: int):
        """Write the 16-byte tag to `out[off]`. The next message begins with `start`."""
        _close(self._aes, self._state, self._used, self._subkey, out, off)


@micropython.viper
def mac(key, buf, off: int, n: int, out, out_off: int):
    """Write the 16-byte CMAC under `key` of `buf[off:off + n]` to `out[out_off]`."""
    cipher = aes(key, _ECB)
    wipe(_once_state)  # whatever ended half way before
    wipe(_once_subkey)
    cipher.encrypt(_once_subkey, _once_subkey)
    used = _absorb(cipher, _once_state, 0, buf, off, n)
    _close(cipher, _once_state, used, _once_subkey, out, out_off)
    wipe(_once_subkey)
