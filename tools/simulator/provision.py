"""Makes a simulated terminal out of a bundle and a built device: what an integrator does to a
board.

A home holds `fs` (the device's files: the build, config.json, certs), `nvs.json` (keys),
`flash.bin` (the journal) and `board.json` (what the simulator has to know). Provisioning a
terminal again renews its files and keeps NVS and flash; a new initial key replaces the keys and
nothing else.
"""

import hashlib
import json
import shutil
from pathlib import Path

from tools.acquirer import office
from tools.device.bundle import (
    FIRST_PASSWORDS,
    INITIAL_KEY,
    NAMESPACE,
    WIFI_PASSWORD,
    Bundle,
)
from tools.private import FOLDER, keep_private
from tools.simulator.models.nvs import NOT_FOUND, Nvs
from tools.simulator.models.wifi import Network

BOARD = "esp32-devkitc"
NETWORK = Network("Rebind-Shop", "shop-on-the-corner")
NEIGHBOUR = Network("Cafe-Free", "", security=0, rssi=-71, channel=11)

_STARTED = "journal"  # the entry that a terminal makes at its first start

# How often a password is stretched: what a terminal would measure here says nothing of a chip
_STRETCH = ("count", (1000).to_bytes(2, "big"))


class NotThisTerminal(Exception):
    """The home belongs to another terminal."""


def provision(home, bundle, device_root, acquirer, board=BOARD, network=NETWORK):
    """Make or renew the terminal in `home` (a directory) from `bundle` and `device_root`.

    acquirer: (host, port) that the simulated network leads to. Raises NotThisTerminal when `home`
    holds another terminal's state, FileNotFoundError when bundle or build are not complete. First
    passwords that the bundle lacks are drawn and kept in its keys.json.
    """
    home, device_root, bundle = Path(home), Path(device_root), Path(bundle)
    given = Bundle(bundle)
    before = _facts(home)
    if before is not None and before["terminal"] != given.terminal:
        raise NotThisTerminal(
            f"{home} is terminal {before['terminal']}, not {given.terminal}:"
            " give another HOME_DIR=…"
        )
    home.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    files = _install(device_root, home / "fs", before["files"] if before else [])
    for path, content in given.files.items():
        (home / "fs" / path).parent.mkdir(exist_ok=True)
        (home / "fs" / path).write_bytes(content)
    # The port is the relay's, filled in when it listens.
    _write_json(home / "fs" / "config.json", given.settings(board, "127.0.0.1", 0, network.ssid))
    _inject(home / "nvs.json", given, network)
    _begin(home / "nvs.json", bundle, given)
    _write_json(
        home / "board.json",
        {
            "board": board,
            "terminal": given.terminal,
            "unique_id": hashlib.sha256(given.serial.encode()).hexdigest()[:12],
            "acquirer": list(acquirer),
            "networks": [vars(network), vars(NEIGHBOUR)],
            "files": files,
        },
    )
    keep_private(home)


def _facts(home):
    try:
        return json.loads((home / "board.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _install(source, target, former):
    """Mirror the build; remove what an earlier build had. Returns the files' relative names."""
    if not (source / "main.py").is_file():
        raise FileNotFoundError(f"{source} holds no built device: run `python -m tools.build`")
    names = sorted(
        path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()
    )
    for name in set(former) - set(names):
        (target / name).unlink(missing_ok=True)
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target / name)
    return names


def _inject(path, given, network):
    """Put the keys where the firmware looks for them; an initial key that was used stays used."""
    nvs = Nvs(path)
    known = nvs.get(NAMESPACE, "ikid", "B", 8) == given.entries["ikid"]
    for name, secret in given.entries.items():
        if not (known and name == INITIAL_KEY):
            _put(nvs, name, secret)
    if not known:
        nvs.erase(NAMESPACE, "dukpt")
    _put(nvs, WIFI_PASSWORD, network.password.encode())
    _put(nvs, *_STRETCH)
    nvs.commit()


def _begin(path, bundle, given):
    """Put the first passwords where a terminal that has no operators yet looks for them."""
    nvs = Nvs(path)
    if nvs.get(NAMESPACE, _STARTED, "B", 1) != NOT_FOUND:
        return
    passwords = given.first_passwords
    if not passwords:
        passwords = office.first_passwords()
        known = json.loads((bundle / "keys.json").read_text(encoding="utf-8"))
        _write_json(bundle / "keys.json", {**known, "first_passwords": passwords})
    for number, name in FIRST_PASSWORDS.items():
        _put(nvs, name, passwords[number].encode())
    nvs.commit()


def _put(nvs, name, data):
    status = nvs.set(NAMESPACE, name, "B", data)
    if status < 0:
        raise ValueError(f"{name} does not fit into NVS ({status})")


def _write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
