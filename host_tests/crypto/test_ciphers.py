"""CMAC, sealing, PBKDF2 and the small ones against `cryptography` and `hashlib`."""

import hashlib
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.padding import PKCS7
from hypothesis import given
from hypothesis import strategies as st

from firmware.crypto.cmac import Cmac, mac
from firmware.crypto.compare import equal
from firmware.crypto.pbkdf2 import Pbkdf2
from firmware.crypto.seal import seal, unseal
from firmware.crypto.wipe import wipe
from host_tests.guarded import Guarded

KEY = st.binary(min_size=16, max_size=16)


@given(KEY, st.lists(st.binary(max_size=70), max_size=4), st.integers(0, 3))
def test_cmac_agrees_with_cryptography(key, pieces, off):
    reference = CMAC(algorithms.AES(key))
    cmac = Cmac(key)
    cmac.start()
    for piece in pieces:
        reference.update(piece)
        buf = Guarded(b"#" * off + piece + b"#", off, off + len(piece))
        cmac.update(buf, off, len(piece))
    out = Guarded(bytes(24), off, off + 16)
    cmac.finish(out, off)
    tag = reference.finalize()
    assert bytes(out.data[off : off + 16]) == tag
    message = b"".join(pieces)
    mac(key, message, 0, len(message), out, off)
    assert bytes(out.data[off : off + 16]) == tag


def test_a_cmac_that_ended_half_way_does_not_spoil_the_next():
    key, out = bytes(range(16)), bytearray(16)
    with pytest.raises(AssertionError):
        mac(key, Guarded(b"it ends here", 0, 7), 0, 12, out, 0)
    mac(key, b"the next", 0, 8, out, 0)
    reference = CMAC(algorithms.AES(key))
    reference.update(b"the next")
    assert bytes(out) == reference.finalize()


@given(KEY, KEY, st.binary(max_size=200), st.integers(0, 5))
def test_sealing_agrees_with_cryptography(key, iv, plain, off):
    padder = PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    expected = encryptor.update(padder.update(plain) + padder.finalize())
    buf = Guarded(bytes(off) + plain + bytes(20), off, off + len(expected))
    assert seal(key, iv, buf, off, len(plain)) == len(expected)
    assert bytes(buf.data[off : off + len(expected)]) == expected
    assert unseal(key, iv, buf, off, len(expected)) == len(plain)
    assert bytes(buf.data[off : off + len(plain)]) == plain


@given(KEY, KEY, st.binary(max_size=80))
def test_unsealing_judges_the_padding_as_cryptography_does(key, iv, padded):
    n = len(padded)
    expected = -1
    buf = Guarded(padded + b"#", 0, n)
    if n and n % 16 == 0:
        encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
        buf.data[:n] = encryptor.update(padded)
        unpadder = PKCS7(128).unpadder()
        with suppress(ValueError):
            expected = len(unpadder.update(padded) + unpadder.finalize())
    assert unseal(key, iv, buf, 0, n) == expected


@given(KEY, st.integers(0, 255), st.integers(0, 255), st.integers(1, 17))
def test_every_padding_byte_counts(key, padding, other, place):
    padded = bytearray(32)
    size = max(1, min(16, padding))
    padded[-size:] = bytes([padding]) * size
    padded[-place] = other
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key)).encryptor()
    buf = bytearray(encryptor.update(bytes(padded)))
    last = padded[-1]
    good = 1 <= last <= 16 and all(byte == last for byte in padded[-last:])
    assert unseal(key, key, buf, 0, 32) == (32 - last if good else -1)


def test_sealing_refuses_what_does_not_fit_and_changes_nothing():
    key = bytes(16)
    buf = bytearray(b"*" * 40)
    assert seal(key, key, buf, 0, 40) == -1
    assert seal(key, key, buf, 8, 32) == -1
    assert seal(key, key, buf, 0, -1) == -1
    assert seal(key, key, buf, -1, 4) == -1
    assert unseal(key, key, buf, 16, 32) == -1
    assert unseal(key, key, buf, 0, 0) == -1
    assert unseal(key, key, buf, 0, 15) == -1
    assert buf == b"*" * 40


@given(st.binary(max_size=100), st.binary(max_size=40), st.integers(1, 40), st.integers(1, 50))
def test_pbkdf2_agrees_with_hashlib(password, salt, iterations, k):
    work = Pbkdf2(bytearray(password), salt, iterations)
    while not work.step(k):
        pass
    assert work.result == hashlib.pbkdf2_hmac("sha256", password, salt, iterations)
    work.wipe()
    assert not any(work.result)


@given(st.binary(min_size=8, max_size=8), st.binary(min_size=8, max_size=8), st.integers(0, 8))
def test_equal_is_equality(a, b, n):
    assert equal(Guarded(a, 0, n), Guarded(b, 0, n), n) == (a[:n] == b[:n])
    assert equal(a, bytearray(a), n)


@given(st.binary(max_size=40))
def test_wipe_zeroes(data):
    buf = bytearray(data)
    wipe(memoryview(buf)[3:])
    assert buf == data[:3] + bytes(max(0, len(data) - 3))
