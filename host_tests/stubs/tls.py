"""MicroPython's `tls` for CPython: contexts that take or refuse certificates. No connections."""

PROTOCOL_TLS_CLIENT = 0
CERT_REQUIRED = 2


class SSLContext:
    def __init__(self, protocol):
        self.verify_mode = 0

    def load_verify_locations(self, cadata):
        if not cadata:
            raise ValueError("invalid cert")

    def load_cert_chain(self, certfile, keyfile):
        if not certfile:
            raise ValueError("invalid cert")
        if not keyfile:
            raise ValueError("invalid key")
