"""Makes a flashed board a terminal: keys, certificates and network, and a sign-on as proof.

What always holds: secrets go over the serial line into the chip's NVS, and are in no file of the
board, no message and no error; an initial key that the board has used is never injected again;
another terminal's state is not touched unless it is to be replaced; config.json comes last and
whole, so an interrupted run leaves a board that is not provisioned, or one that still is, and the
next run completes it. May import tools.acquirer and
tools.command_line.
"""

import argparse
import binascii
import getpass
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import NamedTuple

from tools import acquirer, command_line
from tools.acquirer import office
from tools.device import checks
from tools.device.bundle import (
    CERTIFICATES,
    FIRST_PASSWORDS,
    INITIAL_KEY,
    WIFI_PASSWORD,
    Bundle,
    first_passwords,
)
from tools.device.certificates import Unusable
from tools.device.link import DeviceError, Link, Refused
from tools.device.stopped import hold, stopped

ROOT = Path(__file__).resolve().parents[2]
BUNDLES = ROOT / "build" / "provision"
"""Where bundles wait until a sign-on has proven that their terminal works."""

INSIDE = Path(__file__).with_name("inside")
CONFIG = "config.json"
OWNER = "owner.json"  # what the owner is handed: the authenticator's secret, 00's first password
OPERATOR = "operator.json"  # what operator 01 is handed: a first password

_PASSWORD = "WIFI_PASSWORD"
_OURS = ("ikid", "token_key", "service_key", "tls_key")  # what a provisioned board has
_ASKED = (*_OURS, INITIAL_KEY, WIFI_PASSWORD)
_FIRST = tuple(FIRST_PASSWORDS.values())
_STATE = ("dukpt", "seal_key", "mac_key", "journal", *_FIRST)  # so: without a key no state
_FAILED = ("failures",)  # see firmware/access/attempts.py
_CONSOLE = "console"  # see firmware/access/console.py
_SIGN_ON_S = 90
_SSID_MAX = 32
_PSK_MIN, _PSK_MAX = 8, 64  # 64 are a key in hex

_WIFI = {
    1: "the Wi-Fi network {ssid} is not in reach: check SSID and antenna, the chip knows 2.4 GHz",
    2: "the Wi-Fi network {ssid} refuses the password: set WIFI_PASSWORD and run it again",
    3: "the Wi-Fi network {ssid} gives no address in time: check its DHCP and the signal",
    4: "the radio does not start: check the power supply, it takes 500 mA for moments",
    5: "the Wi-Fi network {ssid} is not encrypted: give it a password, WPA2 or better",
}
_LINK = {
    0: "the acquirer's answer could not be verified: the keys differ; enrol the terminal anew",
    1: "Wi-Fi was lost meanwhile: check the signal and run it again",
    2: "the name {host} was not found (DNS): check HOST, and that the network leads outside",
    3: "nothing answers at {host}, port {port}: check HOST, the acquirer and the fire wall",
    4: "no secure connection (TLS): is it the acquirer's port, and is this terminal's certificate "
    "known there?",
    5: "the acquirer's certificate is not trusted, or does not fit the keys: the bundle is from "
    "another acquirer, or its server name or the dates are wrong",
    6: "the acquirer at {host} does not answer in time: run it again",
    7: "the acquirer closed the connection: it does not know this terminal's certificate or keys; "
    "enrol the terminal anew",
    8: "the board ran out of memory: pull its plug and run it again; `make selftest` says what a "
    "connection leaves of it",
    10: "{host} answers, but nothing listens at port {port}: check HOST, and whether the acquirer "
    "runs",
    11: "the network {ssid} does not lead to {host}: check HOST, and the way out of that network",
    12: "the terminal's own certificate or key is missing or damaged: enrol the terminal anew",
}
_CODES = {
    "03": "the acquirer does not know this merchant number: check MERCHANT",
    "58": "the certificate is another terminal's: use the bundle of this terminal",
    "97": "the acquirer does not know this terminal number, or its keys were replaced: enrol it "
    "anew",
    "A0": "the acquirer does not accept the keys: their initial key was used on another board, or "
    "before; enrol the terminal anew",
}


class Order(NamedTuple):
    """What is to be provisioned. None keeps what the board has, and the network's password too.

    terminal, merchant: their numbers. bundle: a folder; None enrols at the acquirer in `home`.
    host: name:port. hotline: whom a merchant calls. replace: another terminal's state may go.
    """

    terminal: str
    merchant: str
    bundle: Path | None = None
    home: Path = acquirer.DEFAULT_HOME
    host: str | None = None
    ssid: str | None = None
    password: str | None = None
    hotline: str | None = None
    board: str | None = None
    replace: bool = False


def provision(port: str, order: Order) -> None:
    """Make the board on `port` the terminal of `order`, and prove it by a sign-on.

    Running it again is safe, also after a cut at any point; the terminal is started whatever
    happens. Raises `DeviceError`: what is wrong and what to do, and whether something has been
    changed. What can be known to be wrong without a board is told before one is looked for.
    """
    _check(order)
    with stopped(port) as link:
        said = _provision(link, port, order)
    for part in said["faults"]:
        say(f"missing on this board: {part}")
    say("the terminal starts")


def _provision(link: Link, port: str, order: Order) -> dict:
    """Do what `provision` does to a board that is stopped; return what the sign-on said."""
    facts = checks.examine(link)
    say(f"{facts}")
    checks.check_files(link)
    _bring(link, "provision.py")
    holds = link.ask(f"holds({_ASKED + _STATE!r}, {CERTIFICATES!r})")
    replacing = _check_owner(holds, order)
    wanted = _wanted(holds["config"] or {}, order, facts)
    _check_board(link, wanted["board"])
    if not _psk_known(holds, order, wanted):
        raise DeviceError(f"the password of {wanted['wifi']['ssid']} is needed: {_PASSWORD}")
    given = _bundle(holds, order)
    settings = _settings(given, wanted)
    hold(link)
    if "service_key" not in holds["entries"]:  # it would close the console, and nothing is proven
        _put(link, _CONSOLE, b"\2")
    if replacing:
        say(f"removing the state of terminal {replacing}")
        link.run(f"forget({_STATE!r})\nif digest({CONFIG!r}): os.remove({CONFIG!r})")
        holds = {**holds, "keys_of": None, "config": None}
    if isinstance(given, Bundle):
        _inject(link, given, holds)
    _set_password(link, order)
    if settings != holds["config"]:
        _write(link, CONFIG, json.dumps(settings, ensure_ascii=False).encode())
    link.run(f"tidy({(*CERTIFICATES, CONFIG)!r})")
    link.close()
    said = _sign_on(port)
    trouble = _trouble(said, settings)
    if trouble:
        raise DeviceError(f"provisioned, but the sign-on failed: {trouble}")
    say(f"signed on at {settings['host']}: terminal {order.terminal} works")
    folder = BUNDLES / order.terminal
    if not said["operators"]:
        first = _first_passwords(folder, given)
        _hand_over(folder, first)
        with Link(port) as again:
            hold(again)
            _bring(again, "provision.py")
            again.run(f"forget({_FAILED!r})")  # whoever had failed, and was locked, is gone
            for number, password in first.items():
                _put(again, FIRST_PASSWORDS[number], password.encode())
            _put(again, _CONSOLE, b"\1")
    _put_away(order)
    return said


def say(text: str) -> None:
    """Print one line of progress."""
    print(f"provision: {text}", flush=True)


def _check(order: Order) -> None:
    """Refuse what no board could be given."""
    for name, number, length in (
        ("TERMINAL", order.terminal, 8),
        ("MERCHANT", order.merchant, 15),
    ):
        if not (number.isascii() and number.isalnum() and len(number) == length):
            raise DeviceError(f"{name}={number!r} is not {length} ASCII letters and digits")
    if order.host:
        try:
            command_line.address(order.host)
        except ValueError as reason:
            raise DeviceError(f"HOST={reason}") from None
    if order.ssid and len(order.ssid.encode()) > _SSID_MAX:
        raise DeviceError(f"SSID={order.ssid!r} is too long: a Wi-Fi name has {_SSID_MAX} bytes")
    if order.password and not _PSK_MIN <= len(order.password.encode()) <= _PSK_MAX:
        raise DeviceError(f"a Wi-Fi password has {_PSK_MIN} to {_PSK_MAX} characters: {_PASSWORD}")
    if order.bundle is not None:
        given = _read(order.bundle)
        if (given.terminal, given.merchant) != (order.terminal, order.merchant):
            raise DeviceError(
                f"{order.bundle} is terminal {given.terminal} of merchant {given.merchant}"
            )


def _bring(link: Link, name: str) -> None:
    """Define on the board what `name` of inside/ defines."""
    try:
        link.run((INSIDE / name).read_text(encoding="utf-8"))
    except Refused as refusal:
        if "ImportError" in refusal.fault:
            raise DeviceError(
                "the terminal is not on this board: run `make flash` first"
            ) from None
        raise


def _check_owner(holds: dict, order: Order) -> str | None:
    """Return whose state has to go first, None when there is none."""
    owner = (holds["config"] or {}).get("terminal")
    has_state = holds["journal"] or holds["keys_of"]
    if owner == order.terminal or not has_state:
        return None
    if owner is None and order.bundle is not None and _read(order.bundle).ikid == holds["keys_of"]:
        return None  # an earlier run of this was cut
    name = owner or "unknown"
    if order.replace:
        return name
    raise DeviceError(
        f"this board is terminal {name}: its bindings, change under way, operators and records "
        "would be lost, and what it has not sent to the acquirer yet. If that is meant, run it "
        "again with REPLACE=1; nothing was changed"
    )


def _read(folder: Path) -> Bundle:
    try:
        return Bundle(folder)
    except Unusable as reason:
        raise DeviceError(f"the bundle in {folder} can't be used: {reason}") from None
    except (OSError, ValueError, KeyError):
        raise DeviceError(f"{folder} holds no whole bundle: enrol the terminal again") from None


def _bundle(holds: dict, order: Order) -> Bundle | dict:
    """Return the bundle to put on the board, or the board's settings when it has all of it."""
    if order.bundle is not None:
        return _read(order.bundle)
    try:
        books = acquirer.read_books(order.home)["terminals"]
    except acquirer.OfficeError:
        books = []
    row = next((row for row in books if row["terminal"] == order.terminal), None)
    if holds["keys_of"] and not holds["journal"]:
        say("the state of this terminal is gone: it begins anew, with new keys")
        row = None
    if row and _has_all(holds, row, order):
        return holds["config"]
    folder = BUNDLES / order.terminal
    if row and (folder / "keys.json").exists():
        given = _read(folder)
        unused = row["counter"] == 0 or holds["keys_of"] == given.ikid
        if given.ikid == row["ikid"] and given.merchant == order.merchant and unused:
            return given
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        acquirer.enroll(order.home, order.terminal, order.merchant, folder)
    except acquirer.OfficeError as error:
        raise DeviceError(f"the acquirer in {order.home} does not enrol: {error}") from None
    say(f"enrolled terminal {order.terminal} of merchant {order.merchant} at {order.home}")
    return _read(folder)


def _has_all(holds: dict, row: dict, order: Order) -> bool:
    config = holds["config"] or {}
    return (
        (config.get("terminal"), config.get("merchant")) == (order.terminal, order.merchant)
        and row["ikid"] == holds["keys_of"]
        and set(_OURS) <= set(holds["entries"])
        and all(holds["files"].values())
    )


def _wanted(before: dict, order: Order, facts: checks.Facts) -> dict:
    """Return the settings that are the order's, or else those that the board has `before`."""
    if order.host:
        host, port = command_line.address(order.host)
    elif "host" in before:
        host, port = before["host"], before["port"]
    else:
        raise DeviceError("where is the acquirer? HOST=name:port; nothing was changed")
    ssid = order.ssid or before.get("wifi", {}).get("ssid")
    if not ssid:
        raise DeviceError("which Wi-Fi network? SSID=name; nothing was changed")
    usual = "esp32-s3-devkitc" if "S3" in facts.machine else "esp32-devkitc"
    board = order.board or before.get("board") or usual
    wanted = {"board": board, "host": host, "port": port, "wifi": {"ssid": ssid}}
    hotline = order.hotline or before.get("hotline")
    return {**wanted, "hotline": hotline} if hotline else wanted


def _settings(given: Bundle | dict, wanted: dict) -> dict:
    if isinstance(given, Bundle):
        ssid = wanted["wifi"]["ssid"]
        given = given.settings(wanted["board"], wanted["host"], wanted["port"], ssid)
    return {**given, **wanted}


def _check_board(link: Link, name: str) -> None:
    try:
        link.run(f"from drivers import console\nconsole.keypad({name!r})")
    except Refused:
        raise DeviceError(
            f"{name} is no board that this chip can be: see the names under Wiring in README.md; "
            "nothing was changed"
        ) from None


def _psk_known(holds: dict, order: Order, wanted: dict) -> bool:
    before = (holds["config"] or {}).get("wifi", {}).get("ssid")
    return order.password is not None or before == wanted["wifi"]["ssid"]


def _inject(link: Link, given: Bundle, holds: dict) -> None:
    """Put what the bundle holds to its place, but an initial key that the board has used."""
    for path, content in given.files.items():
        _write(link, path, content)
    used = holds["keys_of"] == given.ikid
    if not used:
        link.run("forget(('dukpt',))")
    fresh = 0
    for name, secret in given.entries.items():
        if not (used and name == INITIAL_KEY):
            fresh += not _put(link, name, secret)
    say(
        f"{fresh} of {len(given.entries)} keys injected"
        + (", the initial key was used already" if used else "")
    )


def _set_password(link: Link, order: Order) -> None:
    if order.password:
        _put(link, WIFI_PASSWORD, order.password.encode())
    elif order.password is not None:
        link.run(f"forget(({WIFI_PASSWORD!r},))")
        say("an open network: the terminal will refuse to change bindings over it")


def _put(link: Link, name: str, secret: bytes) -> bool:
    return bool(link.ask(f"put({name!r}, '{_base64(secret)}')"))


def _write(link: Link, path: str, content: bytes) -> None:
    digest = hashlib.sha256(content).hexdigest()
    if not link.ask(f"write({path!r}, '{_base64(content)}', {digest!r})"):
        say(f"wrote {path}")


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode()


def _sign_on(port: str) -> dict:
    say("signing on")
    with Link(port) as link:  # in a memory that holds nothing else
        hold(link)
        code = (INSIDE / "sign_on.py").read_text(encoding="utf-8")
        return link.ask(code, limit_s=_SIGN_ON_S)


def _trouble(said: dict, settings: dict) -> str | None:
    """Return what went wrong in words, with what to do; None when the sign-on was accepted."""
    words = {**settings, "ssid": settings["wifi"]["ssid"]}
    if "wifi" not in said:
        return (
            "the terminal cannot use its state or its keys. Nothing was deleted; if it cannot be "
            "helped, erase the chip (esptool erase-flash), flash and provision it anew"
        )
    if said["wifi"]:
        return _WIFI[said["wifi"]].format(**words)
    if said["link"] is not None:
        return _LINK[said["link"]].format(**words)
    if said["code"] == "00":
        return None
    return _CODES.get(said["code"], f"the acquirer declined with code {said['code']}: call it")


def _first_passwords(folder: Path, given: Bundle | dict) -> dict[str, str]:
    """Return the first passwords of a board that has no operators yet: the same in every run."""
    handed = {"00": _kept(folder / OWNER), "01": _kept(folder / OPERATOR)}
    told = {number: facts.get("first_password") for number, facts in handed.items()}
    return (
        (given.first_passwords if isinstance(given, Bundle) else {})
        or first_passwords(_kept(folder / "keys.json"))
        or (told if all(told.values()) else office.first_passwords())
    )


def _hand_over(folder: Path, first: dict[str, str]) -> None:
    """Write down, before the board has them, what owner and operator log in with at first."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _keep(folder / OPERATOR, {"operator": "01", "first_password": first["01"]})
    _keep(folder / OWNER, {**_kept(folder / OWNER), "first_password": first["00"]})
    say(f"first passwords: 00's is in {folder / OWNER}, 01's in {folder / OPERATOR}")


def _put_away(order: Order) -> None:
    """Remove the bundle that this made; what owner and operator need stays, to be handed over."""
    folder = BUNDLES / order.terminal
    if order.bundle is not None or not folder.exists():
        return
    secret = _kept(folder / "keys.json").get("totp_secret")
    if secret is not None:
        _keep(folder / OWNER, {**_kept(folder / OWNER), "totp_secret": secret})
    for path in folder.iterdir():
        if path.name not in (OWNER, OPERATOR):
            path.unlink()
    say(f"the owner's authenticator secret is in {folder / OWNER}: hand it over and delete it")


def _kept(path: Path) -> dict:
    """Return what a file of JSON says, {} when it is not there or was left half written."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def _keep(path: Path, facts: dict) -> None:
    """Have `facts` in a file that only its owner reads: wholly there, or as it was."""
    part = path.with_name(path.name + ".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(facts, file)
    os.replace(part, path)


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add `provision` to the command line."""
    command = commands.add_parser("provision", help="make a flashed board a terminal")
    command.add_argument("--port", help="a serial device, or socket://host:port")
    command.add_argument("--terminal", required=True, help="terminal number, 8 characters")
    command.add_argument("--merchant", required=True, help="merchant number, 15 characters")
    command.add_argument(
        "--bundle", type=command_line.path, help="a bundle; else the acquirer here enrols"
    )
    command.add_argument(
        "--home", type=command_line.path, default=acquirer.DEFAULT_HOME, help="the acquirer"
    )
    command.add_argument("--host", help="where the terminal finds the acquirer, name:port")
    command.add_argument("--ssid", help=f"Wi-Fi network; the password is in {_PASSWORD}, or asked")
    command.add_argument("--hotline", help="the number that merchants call for help")
    command.add_argument("--board", help="a name of drivers/board.py")
    command.add_argument("--replace", action="store_true", help="another terminal's state may go")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    password = os.environ.get(_PASSWORD)
    if password is None and options.ssid and sys.stdin.isatty():
        password = getpass.getpass(f"password of {options.ssid} (empty: open network): ")
    provision(
        options.port,
        Order(
            options.terminal,
            options.merchant,
            options.bundle,
            options.home,
            options.host,
            options.ssid,
            password,
            options.hotline,
            options.board,
            options.replace,
        ),
    )
    return 0
