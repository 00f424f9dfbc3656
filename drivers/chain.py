"""The terminal's certificate with those of its issuers, as mbedTLS takes them.

Of several in DER it takes the first and leaves the others; it takes several only as PEM (RFC
7468). May import certificate.
"""

from binascii import b2a_base64

from drivers.certificate import step


def pem(der):
    """Return the PEM of the certificates that stand in `der` one after another. Raises ValueError
    when they don't.
    """
    view = memoryview(der)
    parts = []
    at = 0
    try:
        while at < len(der):
            end = step(der, at)
            parts.append(b"-----BEGIN CERTIFICATE-----\n")
            parts.append(b2a_base64(view[at:end]))
            parts.append(b"-----END CERTIFICATE-----\n")
            at = end
    except IndexError:
        raise ValueError from None
    return b"".join(parts)
