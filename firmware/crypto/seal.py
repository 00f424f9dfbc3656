"""Sealing of a buffer in place: AES-128-CBC with PKCS#7 padding (RFC 5652, 6.3).

Always holds: plain text and cipher text share the caller's buffer; nothing outside the given
range is read or written; apart from the cipher object nothing is allocated. CBC alone proves
nothing about origin: what is unsealed must have been under a right MAC. Native code: stays in
memory.
Imports `cryptolib` and `crypto.wipe` only.
"""

import micropython
from cryptolib import aes
from micropython import const

from firmware.crypto.wipe import wipe

_CBC = const(2)
_BLOCK = const(16)

_block = bytearray(_BLOCK)


@micropython.viper
def _each(cipher, back: int, buf: ptr8, at: int, end: int):
    """Encrypt, or with `back` decrypt, every block of `buf[at:end]`."""
    block = ptr8(_block)
    while at < end:
        i = 0
        while i < _BLOCK:
            block[i] = buf[at + i]
            i += 1
        if back:
            cipher.decrypt(_block, _block)
        else:
            cipher.encrypt(_block, _block)
        i = 0
        while i < _BLOCK:
            buf[at + i] = block[i]
            i += 1
        at += _BLOCK


@micropython.viper
def _padding(buf: ptr8, end: int) -> int:
    """Return the length of the padding that ends at `end`, or -1 when it is wrong."""
    padding = buf[end - 1]
    # Negative exactly when the padding is 0 or more than a block: its sign bits are then all ones.
    wrong = (padding - 1 | _BLOCK - padding) >> 8
    i = 1
    while i <= _BLOCK:
        inside = (i - padding - 1) >> 8
        wrong |= inside & (buf[end - i] ^ padding)
        i += 1
    return -1 if wrong else padding


@micropython.viper
def seal(key, iv, buf, off: int, n: int) -> int:
    """Encrypt `buf[off:off + n]` in place with the 16-byte `key` and `iv`.

    Return the length with padding (n + 1 to n + 16), or -1, with nothing changed, when `buf` has
    no room for it.
    """
    padding = _BLOCK - (n & _BLOCK - 1)
    total = n + padding
    if n < 0 or off < 0 or off + total > int(len(buf)):
        return -1
    data = ptr8(buf)
    i = off + n
    while i < off + total:
        data[i] = padding
        i += 1
    _each(aes(key, _CBC, iv), 0, buf, off, off + total)
    wipe(_block)
    return total


@micropython.viper
def unseal(key, iv, buf, off: int, n: int) -> int:
    """Decrypt `buf[off:off + n]` in place; return the length of the plain text.

    -1 when `n` is no positive multiple of 16 within `buf`, or when the padding is wrong (checked
    in constant time); the bytes are then worthless and should be wiped.
    """
    if n < _BLOCK or n & _BLOCK - 1 or off < 0 or off + n > int(len(buf)):
        return -1
    _each(aes(key, _CBC, iv), 1, buf, off, off + n)
    wipe(_block)
    padding = int(_padding(buf, off + n))
    return -1 if padding < 0 else n - padding
