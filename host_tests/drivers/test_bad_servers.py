"""Whoever is not the acquirer gets nothing from a terminal: each kind, against the device's TLS.

A row each in build/reports/tls.json. The terminal has a message ready and would send it at once;
what counts is what the server could read above TLS.
"""

import ipaddress
import ssl
import time

import acquirers
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from drivers import tls_link
from host_tests import tls_table

NAME = x509.DNSName(acquirers.NAME)


def usage(**on):
    names = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**(dict.fromkeys(names, False) | on))


class Ours:
    """The CA that the terminal trusts."""

    def __init__(self):
        self.key = tls_table.new_key()
        self.certificate = tls_table.certificate("CA", self.key, ca=True)
        self.signer = (self.certificate, self.key)

    def host(self, key=None, signer=None, **how):
        """(chain, key) of a server, all of it as it should be but for what `how` says."""
        key = key or tls_table.new_key()
        how = {"names": [NAME], "purpose": tls_table.SERVER, **how}
        subject = how.pop("subject", "acquirer")
        return [tls_table.certificate(subject, key, signer or self.signer, **how)], key

    def below(self, **how):
        """(chain, key) of a server below an issuing CA that is as `how` says."""
        between = tls_table.new_key()
        issuer = tls_table.certificate("Issuer", between, self.signer, **{"ca": True, **how})
        chain, key = self.host(signer=(issuer, between))
        return [*chain, issuer], key


def stranger(ours, **how):
    key = tls_table.new_key()
    return ours.host(signer=(tls_table.certificate("CA", key, ca=True), key), **how)


def itself(ours):
    key = tls_table.new_key()
    return [tls_table.certificate(acquirers.NAME, key, names=[NAME])], key


def cut(both):
    chain, key = both
    return chain[:1], key


BAD = {
    "expired": lambda ours: ours.host(days=(-10, -1)),
    "another_ca": stranger,
    "self_signed": itself,
    "another_name": lambda ours: ours.host(names=[x509.DNSName("elsewhere.test")]),
    "no_san": lambda ours: ours.host(names=None),
    "name_as_cn_only": lambda ours: ours.host(names=None, subject=acquirers.NAME),
    "name_as_cn_beside_another": lambda ours: ours.host(
        names=[x509.DNSName("elsewhere.test")], subject=acquirers.NAME
    ),
    "wildcard": lambda ours: ours.host(names=[x509.DNSName("*.test")]),
    "wildcard_beside_the_name": lambda ours: ours.host(names=[NAME, x509.DNSName("*.test")]),
    "address_only": lambda ours: ours.host(
        names=[x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    ),
    "a_terminals_purpose": lambda ours: ours.host(purpose=tls_table.CLIENT),
    "key_for_signing_certificates": lambda ours: ours.host(usage=usage(key_cert_sign=True)),
    "rsa_1024": lambda ours: ours.host(key=rsa.generate_private_key(65537, 1024)),
    "sha_1": lambda ours: ours.host(sha_1=True),
    "chain_without_its_issuer": lambda ours: cut(ours.below()),
    "issuer_that_is_no_ca": lambda ours: ours.below(ca=False),
    "issuer_expired": lambda ours: ours.below(days=(-10, -1)),
    "issuer_signed_with_sha_1": lambda ours: ours.below(sha_1=True),
}


def lowered(context):
    context.set_ciphers("DEFAULT:@SECLEVEL=0")


def old(context):
    lowered(context)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1


def without_aead(context):
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0")


def rsa_key_exchange(context):
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-GCM-SHA256:AES256-SHA:@SECLEVEL=0")


TUNED = {
    "tls_1.1": (old, None),
    "no_aead_cipher": (without_aead, None),
    "no_forward_secrecy": (rsa_key_exchange, lambda: rsa.generate_private_key(65537, 2048)),
}


@pytest.fixture
def got():
    """What a server has read above TLS."""
    return bytearray()


@pytest.fixture
def tried(line, tmp_path, got):
    """A function that has a terminal talk to a server with such a chain: its code."""
    ours = Ours()
    own = tls_table.new_key()
    terminal = tls_table.certificate("T0000001", own, ours.signer, purpose=tls_table.CLIENT)
    encoding = serialization.Encoding
    (tmp_path / "ca.der").write_bytes(ours.certificate.public_bytes(encoding.DER))
    (tmp_path / "ca.pem").write_bytes(tls_table.pem(ours.certificate))
    (tmp_path / "terminal.der").write_bytes(terminal.public_bytes(encoding.DER))
    (tmp_path / "key.der").write_bytes(
        own.private_bytes(
            encoding.DER,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )

    def echo(context, connection):
        with context.wrap_socket(connection, server_side=True) as secure:
            while data := secure.recv(4096):
                got.extend(data)
                secure.sendall(data)

    def run(made, tune=lowered, behaviour=echo, action="echo", **options):
        chain, key = made(ours)
        (tmp_path / "server.pem").write_bytes(tls_table.key_pem(key) + tls_table.pem(*chain))
        ((code, *_),) = line(action, behaviour, folder=tmp_path, tune=tune, **options)
        return code

    return run


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_server_gets_no_byte_of_a_message(tried, got, kind):
    code = tried(BAD[kind])
    tls_table.note("servers", kind, f"link error {code}", len(got))
    assert code == tls_link.CERTIFICATE
    assert not got


def test_a_server_that_is_not_valid_yet_gets_no_byte_of_a_message(tried, got):
    code = tried(lambda ours: ours.host(days=(1, 10)), action="trusted", since=int(time.time()))
    tls_table.note("servers", "not_yet_valid", f"link error {code}", len(got))
    assert code == tls_link.CERTIFICATE
    assert not got


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")
@pytest.mark.parametrize("kind", TUNED)
def test_a_server_that_speaks_no_good_tls_gets_no_byte_of_a_message(tried, got, kind):
    tune, key = TUNED[kind]
    code = tried(lambda ours: ours.host(key=key and key()), tune)
    tls_table.note("servers", kind, f"link error {code}", len(got))
    assert code == tls_link.TLS
    assert not got


def test_plain_text_is_no_server(tried, got):
    def listen(context, connection):
        connection.settimeout(2)
        hello = connection.recv(4096)
        assert hello[0] == 22  # a client's hello, which says nothing
        connection.sendall(b"\0\x20" + bytes(32))
        got.extend(connection.recv(4096)[7:])  # all of it above its alert

    code = tried(Ours.host, behaviour=listen)
    tls_table.note("servers", "plain_text", f"link error {code}", len(got))
    assert code == tls_link.TLS
    assert not got


@pytest.mark.parametrize("good", ["host", "below", "rsa", "two names"])
def test_a_good_server_gets_all_of_it(tried, got, good):
    made = {
        "host": Ours.host,
        "below": Ours.below,
        "rsa": lambda ours: ours.host(key=rsa.generate_private_key(65537, 2048)),
        "two names": lambda ours: ours.host(names=[x509.DNSName("elsewhere.test"), NAME]),
    }[good]
    assert tried(made) == 0
    assert len(got) == 600
