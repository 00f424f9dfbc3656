"""What a terminal is given by its acquirer, and where the firmware looks for it.

What always holds: this is the one list of files, settings and NVS entries that make a board a
terminal, for real boards and simulated ones; a bundle shows no secret in its repr. Imports
tools.command_line and tools.device.certificates.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from tools.command_line import is_host
from tools.device import certificates
from tools.device.certificates import Unusable

NAMESPACE = "rebind"
INITIAL_KEY = "ik"  # used up at the first start: never injected a second time
WIFI_PASSWORD = "wifi_psk"
CERTIFICATES = ("certs/ca.der", "certs/terminal.der")

FIRST_PASSWORDS = {"00": "first_00", "01": "first_01"}
"""{operator: where the terminal reads the first password from, once}."""

_KEYS = ("token_key", "service_key", INITIAL_KEY, "ikid")


class Bundle:
    """The bundle in `folder`, as `python -m tools.acquirer enroll` writes it: keys.json, ca.der,
    terminal.der and terminal.key.der. Of another acquirer's each may be DER or PEM, and
    terminal.der may have the certificates of the terminal's issuing CAs behind its own.

    `terminal`, `merchant`, `serial`, `server_name` and `ikid` (in hex) are no secrets. `files` is
    {path on the device: content}, `entries` {name in NVS: secret}, `first_passwords` {operator:
    digits}, empty when the issuer has drawn none. Raises OSError, ValueError or KeyError when
    something of it is missing or damaged; Unusable, with the reason, when no terminal can use it.
    """

    def __init__(self, folder: Path) -> None:
        known = json.loads((folder / "keys.json").read_text(encoding="utf-8"))
        self.terminal = known["terminal"]
        self.merchant = known["merchant"]
        self.serial = known["serial"]
        self.server_name = known["server_name"]
        self.ikid = known["ikid"]
        _check_name(self.server_name)
        ca, chain = (folder / Path(path).name for path in CERTIFICATES)
        given = certificates.read(ca, chain, folder / "terminal.key.der", self.terminal)
        self.files = dict(zip(CERTIFICATES, (given.ca, given.chain), strict=True))
        self.entries = {name: bytes.fromhex(known[name]) for name in _KEYS}
        self.first_passwords = first_passwords(known)
        self.entries["tls_key"] = given.key

    def settings(self, board: str, host: str, port: int, ssid: str) -> dict:
        """Return what the device's config.json says, for the board named `board`."""
        return {
            "board": board,
            "terminal": self.terminal,
            "merchant": self.merchant,
            "serial": self.serial,
            "host": host,
            "port": port,
            "server_name": self.server_name,
            "wifi": {"ssid": ssid},
        }


def _check_name(name: str) -> None:
    """Refuse what no host's certificate can say in a SAN."""
    if not is_host(name):
        raise Unusable(
            f"server_name {name!r} is no host name: give the one in the host's certificate, "
            "in ASCII, without port and wildcard, or its address"
        )


def first_passwords(known: Mapping) -> dict[str, str]:
    """Return the first passwords that `known` (of a keys.json) has, {} unless it has them all."""
    found = known.get("first_passwords", {})
    return dict(found) if set(FIRST_PASSWORDS) == set(found) else {}
