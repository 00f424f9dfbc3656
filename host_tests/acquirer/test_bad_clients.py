"""Who is no terminal gets nothing from the acquirer: each kind of it at the real server.

A row each in build/reports/tls.json; what counts is what the client could read above TLS.
"""

import contextlib
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from host_tests import tls_table
from tools import acquirer
from tools.acquirer import office


def authority(shop):
    """The acquirer's CA, as somebody inside has it."""
    ours = office.Home(shop.home).authority()
    return ours.certificate, ours._key


def context(shop, *chain, key=None):
    """A client that trusts the acquirer's CA, and shows these certificates."""
    made = ssl.create_default_context(cafile=shop.bundle / "ca.pem")
    if chain:
        (shop.bundle / "own.pem").write_bytes(tls_table.pem(*chain) + tls_table.key_pem(key))
        made.load_cert_chain(shop.bundle / "own.pem")
    return made


def issued(shop, signer, **how):
    """A context with a certificate of this terminal's name, made as `how` says."""
    key = how.pop("key", None) or tls_table.new_key()
    how.setdefault("purpose", tls_table.CLIENT)
    return context(shop, tls_table.certificate(shop.terminal, key, signer, **how), key=key)


def nothing_shown(shop, other):
    return context(shop)


def another_ca(shop, other):
    key = tls_table.new_key()
    return issued(shop, (tls_table.certificate("Rebind acquirer CA", key, ca=True), key))


def self_signed(shop, other):
    return issued(shop, None)


def expired(shop, other):
    return issued(shop, authority(shop), days=(-10, -1))


def not_yet_valid(shop, other):
    return issued(shop, authority(shop), days=(1, 10))


def of_a_server(shop, other):
    return issued(shop, authority(shop), purpose=tls_table.SERVER)


def the_acquirers_own(shop, other):
    made = context(shop)
    made.load_cert_chain(shop.home / "server.pem", shop.home / "server.key.pem")
    return made


def below_a_terminal(shop, other):
    """A terminal's certificate has signed another one."""
    key = serialization.load_pem_private_key((shop.bundle / "terminal.key.pem").read_bytes(), None)
    own = x509.load_pem_x509_certificate((shop.bundle / "terminal.pem").read_bytes())
    fresh = tls_table.new_key()
    leaf = tls_table.certificate(shop.terminal, fresh, (own, key), purpose=tls_table.CLIENT)
    return context(shop, leaf, own, key=fresh)


def below_an_issuing_ca(shop, other):
    between, own = tls_table.new_key(), tls_table.new_key()
    issuer = tls_table.certificate("Issuer", between, authority(shop), ca=True)
    leaf = tls_table.certificate(shop.terminal, own, (issuer, between), purpose=tls_table.CLIENT)
    return context(shop, leaf, issuer, key=own)


def a_weak_key(shop, other):
    made = context(shop)
    key = rsa.generate_private_key(65537, 1024)
    made.set_ciphers("DEFAULT:@SECLEVEL=0")
    chain = tls_table.certificate(shop.terminal, key, authority(shop), purpose=tls_table.CLIENT)
    (shop.bundle / "own.pem").write_bytes(tls_table.pem(chain) + tls_table.key_pem(key))
    made.load_cert_chain(shop.bundle / "own.pem")
    return made


def revoked(shop, other):
    acquirer.revoke(shop.home, shop.terminal)
    return shop.client.context()


def of_another_terminal(shop, other):
    return other.client.context()


def tls_1_1(shop, other):
    made = shop.client.context()
    made.set_ciphers("DEFAULT:@SECLEVEL=0")
    with contextlib.suppress(ValueError):
        made.minimum_version = ssl.TLSVersion.TLSv1
    made.maximum_version = ssl.TLSVersion.TLSv1_1
    return made


def without_aead(shop, other):
    made = shop.client.context()
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers("ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA:AES128-SHA")
    return made


ABOVE_TLS = (of_another_terminal,)
KINDS = [
    nothing_shown,
    another_ca,
    self_signed,
    expired,
    not_yet_valid,
    of_a_server,
    the_acquirers_own,
    below_a_terminal,
    below_an_issuing_ca,
    a_weak_key,
    revoked,
    of_another_terminal,
    tls_1_1,
    without_aead,
]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_bad_client_gets_no_byte_of_an_answer(open_shop, kind):
    shop, other = open_shop(), open_shop()
    with shop.again() as good:
        assert good.network("301").code == "00"
    heard = []
    shop.host.acquirer.on_event = lambda name, info: heard.append((info.get("peer"), name))
    tls = kind(shop, other)
    request = shop.client.signed(
        "0800", shop.client.header(shop.client.ikid + b"\0\0\0\x09") | {70: "301"}
    )
    received, ended = b"", ""
    raw = socket.create_connection(shop.client.address, 10)
    own = raw.getsockname()
    try:
        with tls.wrap_socket(raw, server_hostname="localhost") as line:
            line.sendall((len(request) + 5).to_bytes(2, "big") + b"\x60\0\3\0\0" + request)
            while part := line.recv(4096):
                received += part
    except (ssl.SSLError, OSError) as error:
        ended = getattr(error, "reason", None) or type(error).__name__
    finally:
        raw.close()
    tls_table.note("clients", kind.__name__, ended or "closed without an answer", len(received))
    assert received == b""
    assert not {(own, "processed"), (own, "replied")} & set(heard)
    assert ((own, "connected") in heard) == (kind in ABOVE_TLS)
    with other.again() as good:  # who is a terminal is served as before
        good.counter = 50
        assert good.network("301").code == "00"


def test_plain_text_gets_no_byte_at_all(shop):
    received = b""
    body = shop.client.signed("0800", shop.client.header(shop.client.next_ksn()) | {70: "301"})
    with socket.create_connection(shop.client.address, 10) as raw:
        raw.sendall((len(body) + 5).to_bytes(2, "big") + b"\x60\0\3\0\0" + body)
        with contextlib.suppress(ConnectionError):
            while part := raw.recv(4096):
                received += part
    tls_table.note("clients", "plain_text", "closed", len(received))
    assert received == b""
