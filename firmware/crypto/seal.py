"""Sealing of a buffer in place: AES-128-CBC with PKCS#7 padding (RFC 5652, 6.3).

Always holds: plain text and cipher text share the caller's buffer; nothing outside the given
range is read or written; apart from the cipher object nothing is allocated. CBC alone proves
nothing about origin: what is unsealed must have been under a right MAC.
Imports `cryptolib` and `crypto.wipe` only.
"""

from cryptolib import aes
from micropython import const

from firmware.crypto.wipe import wipe

_CBC = const(2)
_BLOCK = const(16)

_block = bytearray(_BLOCK)


def seal(key, iv, buf, off, n):
    """Encrypt `buf[off:off + n]` in place with the 16-byte `key` and `iv`.

    Return the length with padding (n + 1 to n + 16), or -1, with nothing changed, when `buf` has
    no room for it.
    """
    padding = _BLOCK - n % _BLOCK
    total = n + padding
    if n < 0 or off < 0 or off + total > len(buf):
        return -1
    for i in range(off + n, off + total):
        buf[i] = padding
    cipher = aes(key, _CBC, iv)
    for at in range(off, off + total, _BLOCK):
        for i in range(_BLOCK):
            _block[i] = buf[at + i]
        cipher.encrypt(_block, _block)
        for i in range(_BLOCK):
            buf[at + i] = _block[i]
    wipe(_block)
    return total


def unseal(key, iv, buf, off, n):
    """Decrypt `buf[off:off + n]` in place; return the length of the plain text.

    -1 when `n` is no positive multiple of 16 within `buf`, or when the padding is wrong (checked
    in constant time); the bytes are then worthless and should be wiped.
    """
    if n < _BLOCK or n % _BLOCK or off < 0 or off + n > len(buf):
        return -1
    cipher = aes(key, _CBC, iv)
    for at in range(off, off + n, _BLOCK):
        for i in range(_BLOCK):
            _block[i] = buf[at + i]
        cipher.decrypt(_block, _block)
        for i in range(_BLOCK):
            buf[at + i] = _block[i]
    wipe(_block)
    end = off + n
    padding = buf[end - 1]
    # Negative exactly when the padding is 0 or more than a block: its sign bits are then all ones.
    wrong = (padding - 1 | _BLOCK - padding) >> 8
    for i in range(1, _BLOCK + 1):
        inside = (i - padding - 1) >> 8
        wrong |= inside & (buf[end - i] ^ padding)
    return -1 if wrong else n - padding
