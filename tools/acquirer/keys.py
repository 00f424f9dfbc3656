"""The acquirer's keys: AES-DUKPT from the base key (ANSI X9.24-3-2017), AES-CMAC, sealed blocks.

Also what follows from the keys a terminal was given: binding tokens, the audit chain, the
provider's reset code and the owner's one-time codes. Everything is a function of bytes; nothing
is stored here. May import: cryptography, pyotp.
"""

import hmac
import os

import pyotp
from cryptography.hazmat.primitives import cmac as _cmac
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_SIZE = 16
MAX_ONE_BITS = 16
CODE_PERIOD_S = 30

INITIAL_KEY = 0x8001
KEY_DERIVATION = 0x8000
MAC_GENERATION = 0x2000
MAC_VERIFICATION = 0x2001
DATA_ENCRYPT = 0x3000
DATA_DECRYPT = 0x3001

_BINDING = b"\x01"
_AUDIT = b"\x02"


def new_key():
    """16 random bytes."""
    return os.urandom(KEY_SIZE)


def cmac(key, data):
    """AES-CMAC (NIST SP 800-38B): 16 bytes."""
    tag = _cmac.CMAC(algorithms.AES(key))
    tag.update(data)
    return tag.finalize()


def _derive(parent, usage, tail):
    data = b"\x01\x01" + usage.to_bytes(2, "big") + b"\x00\x02\x00\x80" + tail
    encryptor = Cipher(algorithms.AES(parent), modes.ECB()).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def initial_key(base_key, ikid):
    """The initial key IK of an initial key identifier (8 bytes)."""
    return _derive(base_key, INITIAL_KEY, ikid)


def transaction_key(ik, ikid, counter):
    """The key of one counter: one derivation for every set bit, from the most significant."""
    key, work = ik, 0
    for bit in range(31, -1, -1):
        if counter >> bit & 1:
            work |= 1 << bit
            key = _derive(key, KEY_DERIVATION, ikid[4:8] + work.to_bytes(4, "big"))
    return key


def may_be_used(counter):
    """Whether a terminal may use this counter at all: from 1 up, at most 16 one-bits."""
    return counter > 0 and counter.bit_count() <= MAX_ONE_BITS


class MessageKeys:
    """The working keys of one key serial number (12 bytes), derived as they are asked for."""

    def __init__(self, ik, ksn):
        self._tail = ksn[4:12]
        self._key = transaction_key(ik, ksn[:8], int.from_bytes(ksn[8:], "big"))

    def _working(self, usage):
        return _derive(self._key, usage, self._tail)

    def request_mac(self, data):
        """The MAC that a request over `data` must carry: 8 bytes."""
        return cmac(self._working(MAC_GENERATION), data)[:8]

    def reply_mac(self, data):
        """The MAC of the acquirer's reply over `data`: 8 bytes."""
        return cmac(self._working(MAC_VERIFICATION), data)[:8]

    def unseal(self, block):
        """The TLVs inside a terminal's DF20. Raises ValueError when it is not a sealed block."""
        return _unseal(self._working(DATA_ENCRYPT), block)

    def seal(self, data):
        """A DF20 for the terminal: random IV, then the padded block."""
        return _seal(self._working(DATA_DECRYPT), data)

    def open(self, block):
        """The TLVs inside a DF20 that `seal` made."""
        return _unseal(self._working(DATA_DECRYPT), block)


def _seal(key, data):
    iv = os.urandom(16)
    padder = padding.PKCS7(128).padder()
    padded = padder.update(data) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return iv + encryptor.update(padded) + encryptor.finalize()


def _unseal(key, block):
    if len(block) < 32 or len(block) % 16:
        raise ValueError("not whole blocks")
    decryptor = Cipher(algorithms.AES(key), modes.CBC(block[:16])).decryptor()
    padded = decryptor.update(block[16:]) + decryptor.finalize()
    unpadder = padding.PKCS7(128).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def equal(a, b):
    """Constant-time comparison."""
    return hmac.compare_digest(a, b)


def binding_token(token_key, tlvs):
    """The token of a binding: `tlvs` are its DF30-DF37, ascending. 8 bytes."""
    return cmac(token_key, _BINDING + tlvs)[:8]


def audit_chain(token_key, previous, record):
    """The chain of an audit record (given without its chain) after `previous`. 8 bytes."""
    return cmac(token_key, _AUDIT + previous + record)[:8]


CONSOLE = "UC"
"""In a challenge's answer the place of an operator's number, when it opens the console on USB."""


def reset_code(service_key, terminal, operator, challenge):
    """The provider's answer to a forgotten password, or to who wants the console: 8 digits.

    terminal: 8 characters; operator: 2 digits, or CONSOLE; challenge: the 8 digits on the
    terminal's screen.
    """
    tag = cmac(service_key, (terminal + operator + challenge).encode("ascii"))
    return f"{int.from_bytes(tag[:4], 'big') % 10**8:08d}"


def new_code_secret():
    """A fresh secret for the owner's authenticator, base32."""
    return pyotp.random_base32()


def code_address(secret, terminal, issuer):
    """The secret as authenticator apps take it: an otpauth:// address."""
    return pyotp.TOTP(secret, interval=CODE_PERIOD_S).provisioning_uri(
        name=terminal, issuer_name=issuer
    )


def one_time_code(secret, step):
    """The owner's code of a time step (RFC 6238, SHA-1, 6 digits)."""
    return pyotp.TOTP(secret, interval=CODE_PERIOD_S).generate_otp(step)


class Vault:
    """Seals what the books keep, under a key that lives outside them (AES-256-GCM).

    `place` binds a sealed value to its column and row, so that values cannot be swapped.
    """

    def __init__(self, key):
        self._aead = AESGCM(key)

    def seal(self, data, place):
        nonce = os.urandom(12)
        return nonce + self._aead.encrypt(nonce, data, place.encode())

    def unseal(self, blob, place):
        return self._aead.decrypt(blob[:12], blob[12:], place.encode())
