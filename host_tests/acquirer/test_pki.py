"""Who may connect to the acquirer, and by which names it is known."""

import contextlib
import datetime
import ipaddress
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tools.acquirer import pki

NAME = "acquirer.test"
DAY = datetime.timedelta(days=1)


def issued(subject, issuer, key, issuer_key, ca):
    """Return a certificate, of a CA below which others may be or of a terminal."""
    now = datetime.datetime.now(datetime.UTC)
    common = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)])
    return (
        x509.CertificateBuilder(
            issuer or common, common, key.public_key(), 5, now - DAY, now + DAY
        )
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def handshake(host, terminal, name=NAME):
    """Shake hands in memory; return the host's end. Raises ssl.SSLError."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        terminal.wrap_bio(down, up, server_hostname=name),
        host.wrap_bio(up, down, server_side=True),
    )
    for _ in range(4):
        for end in ends:
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return ends[1]


@pytest.fixture
def parties(tmp_path):
    """Give `parties(authority, chain, key, lists)`: contexts of the host and of a terminal.

    lists: of revoked certificates, those of the authority if not given.
    """

    def of(authority, chain, key, lists=None):
        authority.save(tmp_path / "ca.pem", tmp_path / "ca.key")
        certificate, server_key = authority.server(NAME)
        (tmp_path / "server.pem").write_bytes(pki.certificate_pem(certificate))
        (tmp_path / "server.key").write_bytes(pki.key_pem(server_key))
        (tmp_path / "chain.pem").write_bytes(b"".join(map(pki.certificate_pem, chain)))
        (tmp_path / "own.key").write_bytes(pki.key_pem(key))
        terminal = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        terminal.load_cert_chain(tmp_path / "chain.pem", tmp_path / "own.key")
        lists = lists or (authority.revocations([]),)
        (tmp_path / "revoked.pem").write_bytes(b"".join(map(pki.certificate_pem, lists)))
        names = ("ca.pem", "revoked.pem", "server.pem", "server.key")
        files = (tmp_path / name for name in names)
        return pki.server_context(*files), terminal

    return of


def below(authority, issuer_key):
    """Return the chain of a terminal below an issuing CA of `authority`, its key, and the lists
    of revoked certificates of both.
    """
    between, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = issued("Issuer", authority.certificate.subject, between, issuer_key, ca=True)
    terminal = issued("T0000001", issuer.subject, own, between, ca=False)
    lists = authority.revocations([]), pki.Authority(issuer, between).revocations([])
    return (terminal, issuer), own, lists


def test_a_terminal_below_an_issuing_ca_is_known_where_the_ca_allows_that(parties):
    key = ec.generate_private_key(ec.SECP256R1())
    root = pki.Authority(issued("Root", None, key, key, ca=True), key)
    host = handshake(*parties(root, *below(root, key)))
    assert pki.common_name(host.getpeercert()) == "T0000001"


def test_below_our_own_ca_nobody_issues(parties):
    ours = pki.Authority.create()
    with pytest.raises(ssl.SSLError, match="path length"):
        handshake(*parties(ours, *below(ours, ours._key)))


def test_ciphers_without_authentication_are_not_spoken(parties):
    ours = pki.Authority.create()
    certificate, key = ours.terminal("T0000001")
    host, terminal = parties(ours, (certificate,), key)
    terminal.maximum_version = ssl.TLSVersion.TLSv1_2
    assert handshake(host, terminal).version() == "TLSv1.2"
    terminal.set_ciphers("ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA")
    with pytest.raises(ssl.SSLError):
        handshake(host, terminal)


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7"])
def test_an_acquirer_named_by_its_address_is_known_by_it(parties, address):
    ours = pki.Authority.create()
    certificate, _ = ours.server(address)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert ipaddress.ip_address(address) in names.get_values_for_type(x509.IPAddress)
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
