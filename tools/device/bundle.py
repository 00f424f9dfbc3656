"""What a terminal is given by its acquirer, and where the firmware looks for it.

What always holds: this is the one list of files, settings and NVS entries that make a board a
terminal, for real boards and simulated ones; a bundle shows no secret in its repr. Imports nothing
of the house.
"""

import json
from collections.abc import Mapping
from pathlib import Path

NAMESPACE = "rebind"
INITIAL_KEY = "ik"  # used up at the first start: never injected a second time
WIFI_PASSWORD = "wifi_psk"
CERTIFICATES = ("certs/ca.der", "certs/terminal.der")

FIRST_PASSWORDS = {"00": "first_00", "01": "first_01"}
"""{operator: where the terminal reads the first password from, once}."""

_KEYS = ("token_key", "service_key", INITIAL_KEY, "ikid")


class Bundle:
    """The bundle in `folder`, as `python -m tools.acquirer enroll` writes it.

    `terminal`, `merchant`, `serial`, `server_name` and `ikid` (in hex) are no secrets. `files` is
    {path on the device: content}, `entries` {name in NVS: secret}, `first_passwords` {operator:
    digits}, empty when the issuer has drawn none. Raises OSError, ValueError or KeyError when
    something of it is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        known = json.loads((folder / "keys.json").read_text(encoding="utf-8"))
        self.terminal = known["terminal"]
        self.merchant = known["merchant"]
        self.serial = known["serial"]
        self.server_name = known["server_name"]
        self.ikid = known["ikid"]
        self.files = {path: (folder / Path(path).name).read_bytes() for path in CERTIFICATES}
        self.entries = {name: bytes.fromhex(known[name]) for name in _KEYS}
        self.first_passwords = first_passwords(known)
        self.entries["tls_key"] = (folder / "terminal.key.der").read_bytes()

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


def first_passwords(known: Mapping) -> dict[str, str]:
    """Return the first passwords that `known` (of a keys.json) has, {} unless it has them all."""
    found = known.get("first_passwords", {})
    return dict(found) if set(FIRST_PASSWORDS) == set(found) else {}
