"""MicroPython's `cryptolib` for CPython, over `cryptography`.

As strict as the chip: ECB and CBC only, whole blocks, and an object either encrypts or decrypts.
"""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_ECB = 1
_CBC = 2


class aes:
    """AES with a 16- or 32-byte key; a CBC object goes on where its last call stopped."""

    def __init__(self, key, mode, iv=None):
        if len(key) not in (16, 32):
            raise ValueError("key")
        if mode == _ECB:
            chosen = modes.ECB()
        elif mode == _CBC:
            if iv is None or len(iv) != 16:
                raise ValueError("IV")
            chosen = modes.CBC(bytes(iv))
        else:
            raise ValueError("mode")
        self._cipher = Cipher(algorithms.AES(bytes(key)), chosen)
        self._context = None
        self._encrypts = None

    def _process(self, encrypts, source, target):
        if len(source) % 16:
            raise ValueError("blksize % 16")
        if self._context is None:
            self._encrypts = encrypts
            self._context = self._cipher.encryptor() if encrypts else self._cipher.decryptor()
        elif self._encrypts is not encrypts:
            raise ValueError("can't encrypt & decrypt")
        result = self._context.update(bytes(source))
        if target is None:
            return result
        if len(target) < len(source):
            raise ValueError("output too small")
        target[: len(source)] = result
        return target

    def encrypt(self, source, target=None):
        """Encrypt whole blocks, into `target` (which may be `source`) or into new bytes."""
        return self._process(True, source, target)

    def decrypt(self, source, target=None):
        """Decrypt whole blocks, into `target` (which may be `source`) or into new bytes."""
        return self._process(False, source, target)
