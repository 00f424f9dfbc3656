"""A bundle that another acquirer made: taken as it is, or refused with the reason."""

import datetime
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tools import acquirer
from tools.device import certificates
from tools.device.bundle import Bundle
from tools.device.certificates import Unusable

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.UTC)
TERMINAL = "T0000001"
DER = serialization.Encoding.DER
PEM = serialization.Encoding.PEM
PLAIN = serialization.NoEncryption()
PKCS8 = serialization.PrivateFormat.PKCS8


def p256():
    return ec.generate_private_key(ec.SECP256R1())


class Party:
    """Somebody with a key and a certificate, issued by another one, or by himself."""

    def __init__(self, name, issuer=None, key=None, ca=False, begins=-DAY, ends=DAY, purpose=None):
        self.key = key or p256()
        issuer = issuer or self
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.builder = x509.CertificateBuilder(
            issuer.name, self.name, self.key.public_key(), 7, NOW + begins, NOW + ends
        ).add_extension(x509.BasicConstraints(ca, None), critical=True)
        if purpose:
            usage = x509.ExtendedKeyUsage([purpose])
            self.builder = self.builder.add_extension(usage, critical=False)
        plain = isinstance(issuer.key, ed25519.Ed25519PrivateKey)
        self.certificate = self.builder.sign(issuer.key, None if plain else hashes.SHA256())

    def der(self):
        return self.certificate.public_bytes(DER)

    def pem(self):
        return self.certificate.public_bytes(PEM)

    def key_in(self, encoding, encryption=PLAIN):
        return self.key.private_bytes(encoding, PKCS8, encryption)


ROOT = Party("Root", ca=True)
ISSUER = Party("Issuer", ROOT, ca=True)
OWN = Party(TERMINAL, ISSUER)


@pytest.fixture
def read(tmp_path):
    """Give `read(ca, chain, key)`: what certificates.read makes of files with these bytes."""

    def of(ca=None, chain=None, key=None):
        folder = tmp_path
        contents = {
            "ca.der": ROOT.der() if ca is None else ca,
            "terminal.der": OWN.der() + ISSUER.der() if chain is None else chain,
            "terminal.key.der": OWN.key_in(DER) if key is None else key,
        }
        for name, content in contents.items():
            if content:
                (folder / name).write_bytes(content)
        return certificates.read(*(folder / name for name in contents), TERMINAL)

    return of


@pytest.mark.parametrize(
    ("ca", "chain", "key"),
    [
        (ROOT.der(), OWN.der() + ISSUER.der(), OWN.key_in(DER)),
        (ROOT.pem(), OWN.pem() + ISSUER.pem(), OWN.key_in(PEM)),
    ],
    ids=["der", "pem"],
)
def test_a_chain_reaches_the_terminal_in_one_form(read, ca, chain, key):
    given = read(ca, chain, key)
    assert given.ca == ROOT.der()
    assert given.chain == OWN.der() + ISSUER.der()
    held = serialization.load_der_private_key(given.key, None)
    assert held.private_numbers() == OWN.key.private_numbers()
    assert len(given.key) < 200  # as the firmware's own: no PKCS #8 around it


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)],
    ids=["P-384", "RSA"],
)
def test_a_host_below_another_kind_of_ca_is_taken(read, key):
    root = Party("Host root", key=key, ca=True)
    assert read(ca=root.der()).ca == root.der()


def test_a_chain_may_end_anywhere(read):
    alone = Party(TERMINAL, ROOT)
    assert read(chain=alone.der(), key=alone.key_in(DER)).chain == alone.der()
    assert read(chain=OWN.der() + ISSUER.der() + ROOT.der()).chain.endswith(ROOT.der())


def by(key=None, **what):
    """Return the files of a terminal whose own certificate is like this."""
    own = Party(what.pop("name", TERMINAL), ISSUER, key, **what)
    return {"chain": own.der() + ISSUER.der(), "key": own.key_in(DER)}


SMALL = rsa.generate_private_key(65537, 1024)
HEAVY = rsa.generate_private_key(65537, 3072)
LARGER = Party("Larger", key=HEAVY, ca=True)
LARGE = Party("Large", LARGER, HEAVY, ca=True)
BELOW = Party(TERMINAL, LARGE)
STRANGER = Party("Issuer", ca=True)
NO_CA = Party("No CA", ROOT)
UNDER = Party(TERMINAL, NO_CA)
SHOP = Party("Shop", ISSUER, ca=True)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"ca": b""}, "ca.der is missing"),
        ({"chain": b""}, "terminal.der is missing"),
        ({"key": b""}, "terminal.key.der is missing"),
        ({"ca": OWN.der()}, "ca.der is no CA's certificate"),
        ({"ca": b"what is this"}, "ca.der is no certificate"),
        ({"ca": ROOT.der()[:-1]}, "ca.der is no certificate"),
        ({"ca": ROOT.der() * 2}, "ca.der has 2 certificates"),
        (
            {"ca": Party("Old", ca=True, begins=-2 * DAY, ends=-DAY).der()},
            f"ca.der: CN=Old expired on {NOW - DAY:%Y-%m-%d}",
        ),
        ({"ca": Party("Small", key=SMALL, ca=True).der()}, "this is RSA of 1,024 bits"),
        (
            {"ca": Party("Ed", key=ed25519.Ed25519PrivateKey.generate(), ca=True).der()},
            "this is Ed25519",
        ),
        (
            by(rsa.generate_private_key(65537, 2048)),
            "a terminal's key is ECDSA P-256, this is RSA of 2,048 bits",
        ),
        (by(ec.generate_private_key(ec.SECP384R1())), "P-256, this is secp384r1"),
        (by(name="T0000002"), "the certificate of T0000002, not of terminal T0000001"),
        (by(begins=DAY, ends=2 * DAY), "begins only on"),
        (by(begins=-2 * DAY, ends=-DAY), "CN=T0000001 expired on"),
        (by(purpose=x509.ExtendedKeyUsageOID.SERVER_AUTH), "not for clients"),
        ({"chain": ISSUER.der() + OWN.der()}, "begins with the certificate of Issuer"),
        ({"chain": OWN.der() + ROOT.der()}, "behind CN=T0000001 comes CN=Root, which has not"),
        ({"chain": OWN.der() + STRANGER.der()}, "comes CN=Issuer, which has not issued it"),
        ({"chain": OWN.der() + SHOP.der() + ISSUER.der()}, "the chain is out of order"),
        ({"chain": UNDER.der() + NO_CA.der(), "key": UNDER.key_in(DER)}, "CN=No CA is no CA"),
        (
            {
                "chain": BELOW.der() + LARGE.der() + LARGER.der(),
                "key": BELOW.key_in(DER),
            },
            "as DER, the terminal has 2,048 for it",
        ),
        ({"key": ISSUER.key_in(DER)}, "terminal.key.der is another certificate's key"),
        ({"key": b"what is this"}, "terminal.key.der is no private key"),
        (
            {"key": OWN.key_in(PEM, serialization.BestAvailableEncryption(b"secret"))},
            "terminal.key.der is encrypted",
        ),
    ],
)
def test_what_a_terminal_cannot_use_is_refused_with_the_reason(read, files, reason):
    with pytest.raises(Unusable) as refused:
        read(**files)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "name", ["", "*.example.com", "host:8583", "主机.example", "-a.example", "a..b", "x" * 64]
)
def test_a_server_name_that_no_certificate_can_bear_is_refused(tmp_path, name):
    acquirer.init(tmp_path / "acquirer")
    acquirer.enroll(tmp_path / "acquirer", TERMINAL, "898310054110001", tmp_path / "bundle")
    keys = tmp_path / "bundle/keys.json"
    known = json.loads(keys.read_text())
    Bundle(tmp_path / "bundle")
    keys.write_text(json.dumps({**known, "server_name": "192.0.2.7"}))
    Bundle(tmp_path / "bundle")
    keys.write_text(json.dumps({**known, "server_name": name}))
    with pytest.raises(Unusable, match="is no host name"):
        Bundle(tmp_path / "bundle")
