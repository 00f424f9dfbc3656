"""PBKDF2-HMAC-SHA256 (RFC 8018), one 32-byte block, in steps.

Always holds: a step does a bounded piece of the work, so that screen and keypad stay alive while
a password is checked; key material in our own buffers is overwritten by `wipe`.
Imports `hashlib` and `crypto.wipe` only.
"""

from hashlib import sha256

from micropython import const

from firmware.crypto.wipe import wipe

_BLOCK = const(64)
_DIGEST = const(32)


class Pbkdf2:
    """One derivation: make it, call `step` until it returns True, read `result`, then `wipe`."""

    def __init__(self, password, salt, iterations):
        """Take `password` and `salt` (bytes-like) and the number of `iterations` (at least 1)."""
        if iterations < 1:
            raise ValueError
        inner = bytearray(_BLOCK)
        if len(password) > _BLOCK:
            password = sha256(password).digest()
        for i in range(len(password)):
            inner[i] = password[i]
        outer = bytearray(_BLOCK)
        for i in range(_BLOCK):
            outer[i] = inner[i] ^ 0x5C
            inner[i] ^= 0x36
        self._inner = inner
        self._outer = outer
        self._left = iterations - 1
        first = bytearray(salt)
        first.extend(b"\x00\x00\x00\x01")
        self._last = self._hmac(first)
        self.result = bytearray(self._last)

    def _hmac(self, message):
        inner = sha256(self._inner)
        inner.update(message)
        outer = sha256(self._outer)
        outer.update(inner.digest())
        return outer.digest()

    def step(self, k):
        """Do up to `k` iterations; return True when `result` (32 bytes) is final."""
        k = min(k, self._left)
        self._left -= k
        while k:
            self._iterate()
            k -= 1
        return self._left == 0

    def _iterate(self):
        self._last = last = self._hmac(self._last)
        result = self.result
        for i in range(_DIGEST):
            result[i] ^= last[i]

    def wipe(self):
        """Overwrite the key material and the result."""
        wipe(self._inner)
        wipe(self._outer)
        wipe(self.result)
        self._last = b""
