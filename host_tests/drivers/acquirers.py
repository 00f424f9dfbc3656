"""Acquirers of every kind for the line: certificates made on the spot, servers in threads."""

import datetime
import ipaddress
import socket
import ssl
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from host_tests import tls_table

NAME = "acquirer.test"


class Certificates:
    """A CA, and folders with what one terminal and one acquirer hold."""

    def __init__(self, path):
        self._path = path
        self.issued = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        self.issued -= datetime.timedelta(days=1)
        self._ca_key = tls_table.new_key()
        self._ca = self._certificate("CA", self._ca_key, None)
        self._other_key = tls_table.new_key()
        self._other = self._certificate("CA", self._other_key, None)

    def folder(self, kind):
        """Return the folder of `kind`: plain, wrong_ca, wrong_name, expired, stranger; rsa, p384:
        the acquirer's key; address: its name; young_issuer: it is below an issuing CA that began
        after it; issued: the terminal's is below an issuing CA; "without" or "damaged" and one of
        the terminal's files.
        """
        folder = self._path / kind
        if folder.exists():
            return folder
        folder.mkdir()
        key, own = _KEYS.get(kind, tls_table.new_key)(), tls_table.new_key()
        signer = (self._ca, self._ca_key)
        other = (self._other, self._other_key)
        between = tls_table.new_key()
        issuer = (self._certificate("Issuer", between, signer, issues=True), between)
        server = self._certificate(
            "acquirer",
            key,
            {"wrong_ca": other, "young_issuer": issuer}.get(kind, signer),
            name=_NAMES.get(kind, x509.DNSName(NAME)),
            days=-0.5 if kind == "expired" else 365,
            before=200 if kind == "young_issuer" else 0,
        )
        terminal = self._certificate(
            "T0000001", own, {"stranger": other, "issued": issuer}.get(kind, signer)
        )
        encoding = serialization.Encoding
        plain = serialization.NoEncryption()
        (folder / "ca.der").write_bytes(self._ca.public_bytes(encoding.DER))
        (folder / "ca.pem").write_bytes(self._ca.public_bytes(encoding.PEM))
        (folder / "terminal.der").write_bytes(
            terminal.public_bytes(encoding.DER)
            + (issuer[0].public_bytes(encoding.DER) if kind == "issued" else b"")
        )
        (folder / "key.der").write_bytes(
            own.private_bytes(encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, plain)
        )
        (folder / "server.pem").write_bytes(
            key.private_bytes(encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
            + server.public_bytes(encoding.PEM)
            + (issuer[0].public_bytes(encoding.PEM) if kind == "young_issuer" else b"")
        )
        fate, _, file = kind.partition(" ")
        if fate == "without":
            (folder / file).unlink()
        elif fate == "damaged":
            (folder / file).write_bytes((folder / file).read_bytes()[:-20])
        return folder

    def _certificate(self, subject, key, signer, name=None, days=365, before=0, issues=False):
        return tls_table.certificate(
            subject,
            key,
            signer,
            now=self.issued,
            days=(-before, 1 + days),
            names=[name] if name else None,
            ca=issues or signer is None,
        )


_KEYS = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
}
_NAMES = {
    "wrong_name": x509.DNSName("elsewhere.test"),
    "address": x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
}


class Acquirer:
    """A server on a free port of this machine that answers every connection with `behaviour`.

    tune: is given its TLS context, for what else is to be special in it.
    """

    def __init__(self, folder, behaviour, version=None, tune=None):
        self._behaviour = behaviour
        self.context = context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if tune:
            tune(context)
        context.load_cert_chain(folder / "server.pem")
        context.load_verify_locations(folder / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        if version:
            context.minimum_version = context.maximum_version = version
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self.ended = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed: the test is over
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.settimeout(60)
        try:
            self._behaviour(self.context, connection)
        except (OSError, ValueError):  # what the client makes of it is the test's business
            pass
        finally:
            connection.close()
            self.ended += 1


def echo(context, connection):
    """Send everything back."""
    with context.wrap_socket(connection, server_side=True) as secure:
        while data := secure.recv(4096):
            secure.sendall(data)


def echo_in_crumbs(context, connection):
    """Send everything back, a few bytes at a time."""
    with context.wrap_socket(connection, server_side=True) as secure:
        while data := secure.recv(4096):
            for at in range(0, len(data), 7):
                secure.sendall(data[at : at + 7])
                time.sleep(0.001)


def mute(context, connection):
    """Take what comes, say nothing."""
    while connection.recv(4096):
        pass


def mute_after_the_handshake(context, connection):
    """Shake hands, take what comes, say nothing."""
    with context.wrap_socket(connection, server_side=True) as secure:
        while secure.recv(4096):
            pass


def break_off(context, connection):
    """Close in the middle of the handshake."""
    connection.recv(1)
    time.sleep(0.05)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def hang_up(context, connection):
    """Close after the first message, half of it sent back."""
    with context.wrap_socket(connection, server_side=True) as secure:
        data = secure.recv(4096)
        secure.sendall(data[: len(data) // 2])


def babble(context, connection):
    """Speak something that is no TLS."""
    connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
    time.sleep(0.2)
