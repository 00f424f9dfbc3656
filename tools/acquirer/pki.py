"""The acquirer's own certificate authority: one CA, one server, one certificate per terminal.

All keys are ECDSA P-256. A terminal's certificate carries its DE 41 as subject CN. Certificates
begin an hour back, since clocks differ; a new terminal's clock begins at its certificate, so no
more than that is missing at its first sign-on. May import: cryptography, tools.private.
"""

import datetime
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tools.private import write_private

_BACK = datetime.timedelta(hours=1)
_CA_LIFE = datetime.timedelta(days=3650)
_LEAF_LIFE = datetime.timedelta(days=3600)


def certificate_pem(certificate):
    """A certificate, or a list of revoked ones, as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def certificate_der(certificate):
    return certificate.public_bytes(serialization.Encoding.DER)


def _key_bytes(key, encoding):
    return key.private_bytes(
        encoding, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def key_pem(key):
    return _key_bytes(key, serialization.Encoding.PEM)


def key_der(key):
    return _key_bytes(key, serialization.Encoding.DER)


def _name(common_name):
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Rebind"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _alternative(name):
    """The entry of a SAN for a host's name or address."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _begin(subject, issuer, public_key, life):
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACK)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _usage(**on):
    flags = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(**(flags | on))


class Authority:
    """The CA: issues the server's and the terminals' certificates, and says which are void."""

    def __init__(self, certificate, key):
        self.certificate = certificate
        self._key = key

    @classmethod
    def create(cls):
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Rebind acquirer CA")
        builder = (
            _begin(name, name, key.public_key(), _CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        )
        return cls(builder.sign(key, hashes.SHA256()), key)

    @classmethod
    def load(cls, certificate_path, key_path):
        certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
        key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
        return cls(certificate, key)

    def save(self, certificate_path, key_path):
        write_private(key_path, key_pem(self._key))
        certificate_path.write_bytes(certificate_pem(self.certificate))

    def _issue(self, common_name, purpose, names=()):
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            _begin(_name(common_name), self.certificate.subject, key.public_key(), _LEAF_LIFE)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(issuer, critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256()), key

    def server(self, server_name):
        """A certificate and key for the host: its name, and this machine's own names."""
        names = [_alternative(n) for n in (server_name, "localhost", "127.0.0.1", "::1")]
        return self._issue(server_name, ExtendedKeyUsageOID.SERVER_AUTH, dict.fromkeys(names))

    def terminal(self, number):
        """A certificate and key for a terminal; CN is its number."""
        return self._issue(number, ExtendedKeyUsageOID.CLIENT_AUTH)

    def revocations(self, revoked):
        """A signed list (CRL) of certificates that are void, good as long as the CA is.

        revoked: [(serial number, Unix time)].
        """
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now - _BACK)
            .next_update(self.certificate.not_valid_after_utc)
            .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        )
        for serial, since in revoked:
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(serial)
                .revocation_date(datetime.datetime.fromtimestamp(since, datetime.UTC))
            )
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self._key, hashes.SHA256())


def server_context(ca_path, revoked_path, certificate_path, key_path):
    """TLS 1.2 or 1.3 with AEAD; a client without a certificate of this CA, or of an issuing CA
    below it if it allows that, is refused in the handshake, and so is one that is revoked.

    revoked_path: the list (CRL, PEM) of each CA that issues clients' certificates.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")  # of TLS 1.2: 1.3 has no others
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ca_path)
    context.load_verify_locations(revoked_path)
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    context.load_cert_chain(certificate_path, key_path)
    context.num_tickets = (
        0  # a terminal opens a connection a sync: tickets would only cost it heap
    )
    return context


def common_name(peer_certificate):
    """The subject CN in what `ssl` says about a peer, or an empty string."""
    for attribute in (peer_certificate or {}).get("subject", ()):
        for key, value in attribute:
            if key == "commonName":
                return value
    return ""
