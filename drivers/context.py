"""What a connection to the acquirer trusts and shows: the acquirer's CA, the terminal's own
certificate and its key; and its ciphers.

What always holds: each of them authenticates what it carries (AEAD). In memory only until the
handshake begins. May import tls and firmware.rooms.
"""

import tls

from firmware import rooms

# TLS 1.2; 1.3, where MicroPython has it, has others.
_CIPHERS = (
    "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256",
    "TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256",
    "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384",
    "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384",
)
_NEWER = ("TLS1-3-AES-128-GCM-SHA256", "TLS1-3-AES-256-GCM-SHA384")


def make(link):
    """Return the context of mutual TLS for `link`. Raises OSError, ValueError or TypeError for
    what is missing or damaged.
    """
    made = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    made.verify_mode = tls.CERT_REQUIRED
    made.load_verify_locations(_read(link.certs + "/ca.der"))
    key = link.keystore and link.keystore.get_bytes("tls_key")
    own = _read(link.certs + "/terminal.der")
    if len(own) > 4 and len(own) > (own[2] << 8 | own[3]) + 4:  # its issuers' follow
        own = rooms.ask("drivers.chain", "pem", own)
    made.load_cert_chain(own, key)
    try:
        made.set_ciphers(_NEWER + _CIPHERS)
    except OSError:  # it has no TLS 1.3
        made.set_ciphers(_CIPHERS)
    return made


def _read(path):
    with open(path, "rb") as file:
        return file.read()
