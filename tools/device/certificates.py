"""Certificates and key of a bundle, as a terminal can use them, or why it can't.

What always holds: what is taken is in the form that the firmware reads (DER, the terminal's
certificate first and its issuers' behind it), whatever form it came in; each refusal names the
file and the reason, and nothing of a key. Imports cryptography.
"""

import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

CHAIN_MAX = 2048
"""Bytes of the terminal's certificate with its issuers': what the terminal sends of itself has
4 KiB on the chip, and Python's heap has to hold it for a moment as text."""

CA_MAX = 2048
"""Bytes of the CA's certificate: an RSA key of 4,096 bits takes 1,300."""

_RSA_BITS = (2048, 4096)
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_HASHES = ("sha256", "sha384", "sha512")


class Unusable(ValueError):
    """What a terminal can't use; the text says which file and why, for a person to read."""


class Identity(NamedTuple):
    """What the device is given: ca, chain and key as DER."""

    ca: bytes
    chain: bytes
    key: bytes


def read(ca: Path, chain: Path, key: Path, terminal: str) -> Identity:
    """Return what the terminal `terminal` gets of three files, each DER or PEM. `chain` begins
    with its own certificate, and each of the others has issued the one before.

    Raises `Unusable`.
    """
    now = datetime.datetime.now(datetime.UTC)
    anchor = _anchor(ca, now)
    certificates = _certificates(chain)
    _check_own(chain.name, certificates[0], terminal)
    for one in certificates:
        _check_dates(chain.name, one, now)
    for below, above in zip(certificates, certificates[1:], strict=False):
        _check_issuer(chain.name, below, above)
    _fits(chain.name, certificates, CHAIN_MAX)
    return Identity(_der(anchor), b"".join(map(_der, certificates)), _key(key, certificates[0]))


def _anchor(path: Path, now: datetime.datetime) -> x509.Certificate:
    found = _certificates(path)
    if len(found) > 1:
        raise Unusable(f"{path.name} has {len(found)} certificates: give the host's root CA alone")
    if not _is_ca(found[0]):
        raise Unusable(f"{path.name} is no CA's certificate: give the CA that issues the host's")
    _check_key(path.name, found[0])
    _check_dates(path.name, found[0], now)
    _fits(path.name, found, CA_MAX)
    return found[0]


def _certificates(path: Path) -> list[x509.Certificate]:
    """Return the certificates in a file: DER one after another, or PEM."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise Unusable(f"{path.name} is missing") from None
    try:
        if data.lstrip().startswith(b"-----"):
            return x509.load_pem_x509_certificates(data)
        return [x509.load_der_x509_certificate(one) for one in _parts(data)]
    except (IndexError, ValueError, UnsupportedAlgorithm):
        raise Unusable(f"{path.name} is no certificate, in DER or PEM") from None


def _parts(data: bytes) -> list[bytes]:
    """Return the DER values that stand in `data` one after another. Raises IndexError,
    ValueError.
    """
    parts = []
    at = 0
    while not parts or at < len(data):
        size = data[at + 1]
        end = at + 2
        if size & 0x80:  # so many bytes of length follow
            end += size & 0x7F
            size = int.from_bytes(data[at + 2 : end], "big")
        end += size
        parts.append(data[at:end])
        at = end
    return parts


def _check_own(name: str, own: x509.Certificate, terminal: str) -> None:
    named = [one.value for one in own.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    if named != [terminal]:
        raise Unusable(
            f"{name} begins with the certificate of {', '.join(named) or 'nobody'}, not of "
            f"terminal {terminal}: its own comes first, with its number as the only CN"
        )
    curve = _curve(own.public_key())
    if curve != "secp256r1":
        raise Unusable(f"{name}: a terminal's key is ECDSA P-256, this is {_said(own)}")
    try:
        purposes = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return  # for every purpose
    if x509.ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
        raise Unusable(f"{name}: the terminal's certificate is not for clients (clientAuth)")


def _check_dates(name: str, one: x509.Certificate, now: datetime.datetime) -> None:
    whose = one.subject.rfc4514_string()
    if one.not_valid_after_utc < now:
        raise Unusable(f"{name}: {whose} expired on {one.not_valid_after_utc:%Y-%m-%d}")
    if one.not_valid_before_utc > now:
        begins = f"{one.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        raise Unusable(
            f"{name}: {whose} begins only on {begins}, or this computer's clock is slow"
        )


def _check_issuer(name: str, below: x509.Certificate, above: x509.Certificate) -> None:
    whose = below.subject.rfc4514_string()
    if not _is_ca(above):
        raise Unusable(f"{name}: {above.subject.rfc4514_string()} is no CA")
    _check_key(name, above)
    try:
        below.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature):
        raise Unusable(
            f"{name}: the chain is out of order: behind {whose} comes "
            f"{above.subject.rfc4514_string()}, which has not issued it"
        ) from None


def _check_key(name: str, one: x509.Certificate) -> None:
    """Refuse what mbedTLS does not verify with: other keys, sizes, curves or hashes."""
    key = one.public_key()
    known = _curve(key) in _CURVES or (
        isinstance(key, rsa.RSAPublicKey) and _RSA_BITS[0] <= key.key_size <= _RSA_BITS[1]
    )
    if not known:
        raise Unusable(
            f"{name}: a CA's key is RSA of 2,048 to 4,096 bits or ECDSA P-256, P-384 or P-521, "
            f"this is {_said(one)}"
        )
    used = one.signature_hash_algorithm
    if used is None or used.name not in _HASHES:
        raise Unusable(f"{name} is signed with {used and used.name}: SHA-256 or better is needed")


def _curve(key: object) -> str:
    return key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) else ""


def _said(one: x509.Certificate) -> str:
    key = one.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA of {key.key_size:,} bits"
    return _curve(key) or type(key).__name__.removesuffix("PublicKey").lstrip("_")


def _is_ca(one: x509.Certificate) -> bool:
    try:
        return one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _fits(name: str, certificates: list[x509.Certificate], limit: int) -> None:
    size = sum(len(_der(one)) for one in certificates)
    if size > limit:
        raise Unusable(f"{name} takes {size:,} bytes as DER, the terminal has {limit:,} for it")


def _key(path: Path, own: x509.Certificate) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise Unusable(f"{path.name} is missing") from None
    pem = data.lstrip().startswith(b"-----")
    load = serialization.load_pem_private_key if pem else serialization.load_der_private_key
    try:
        key = load(data, password=None)
    except TypeError:
        raise Unusable(f"{path.name} is encrypted: take the password off") from None
    except (ValueError, UnsupportedAlgorithm):
        raise Unusable(f"{path.name} is no private key, in DER or PEM") from None
    spki = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*spki) != own.public_key().public_bytes(*spki):
        raise Unusable(f"{path.name} is another certificate's key")
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def _der(one: x509.Certificate) -> bytes:
    return one.public_bytes(serialization.Encoding.DER)
