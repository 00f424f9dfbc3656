"""Certificates as nobody should have them, and the table of what became of each.

The table is `build/reports/tls.json`: for the terminal against bad servers, for the acquirer
against bad clients, what was tried, how it ended, and how many bytes of ours the other side got
above TLS.
"""

import datetime
import fcntl
import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from host_tests.conftest import ROOT

REPORT = ROOT / "build" / "reports" / "tls.json"
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


def note(side, tried, ended, received):
    """Put a row into the table and print it. side: `servers` or `clients`."""
    print(f"{side[:-1]:7} {tried:32} {ended:28} {received} bytes")
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    with (REPORT.parent / ".tls.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        table = json.loads(REPORT.read_text()) if REPORT.exists() else {}
        rows = {row["tried"]: row for row in table.get(side, [])}
        rows[tried] = {"tried": tried, "ended": ended, "bytes": received}
        table[side] = [rows[name] for name in sorted(rows)]
        REPORT.write_text(json.dumps(table, indent=1) + "\n")


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def certificate(subject, key, signer=None, **how):
    """A certificate of the public half of `key`.

    signer: (certificate, key) of the CA; none: it signs itself. how: days, (from, to) from `now`
    on; names: of the SAN; purpose: of the extended key usage; ca: whether others may be below it;
    usage: what the key is for, as KeyUsage has it; sha_1: signed with that.
    """
    issuer, issuer_key = signer or (None, key)
    now = how.get("now") or datetime.datetime.now(datetime.UTC)
    begin, end = (datetime.timedelta(days=days) for days in how.get("days", (-1, 365)))
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(issuer.subject if issuer else own)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begin)
        .not_valid_after(now + end)
        .add_extension(x509.BasicConstraints(how.get("ca", False), None), critical=True)
    )
    if how.get("names"):
        builder = builder.add_extension(x509.SubjectAlternativeName(how["names"]), critical=False)
    if "purpose" in how:
        builder = builder.add_extension(x509.ExtendedKeyUsage([how["purpose"]]), critical=False)
    if "usage" in how:
        builder = builder.add_extension(how["usage"], critical=True)
    made = builder.sign(issuer_key, hashes.SHA256())
    return _signed_with_sha_1(made, issuer_key) if how.get("sha_1") else made


_SHA_1 = bytes.fromhex("300906072a8648ce3d0401")  # ecdsa-with-SHA1
_SHA_256 = bytes.fromhex("300a06082a8648ce3d040302")


def _signed_with_sha_1(made, key):
    """The certificate under a signature that the library makes no more."""
    body = made.tbs_certificate_bytes
    at = body.index(_SHA_256)  # its first place is that of the algorithm
    start = 4 if body[1] == 0x82 else 3
    body = _der(0x30, body[start:at] + _SHA_1 + body[at + len(_SHA_256) :])
    signature = key.sign(body, ec.ECDSA(hashes.SHA1()))
    return x509.load_der_x509_certificate(_der(0x30, body + _SHA_1 + _der(3, b"\0" + signature)))


def _der(tag, content):
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    long = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(long)]) + long + content


def pem(*certificates):
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def key_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
