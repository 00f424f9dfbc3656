"""`make provision`: a flashed board becomes a terminal, proven by a sign-on, whatever is cut."""

import contextlib
import json
import time
import zlib
from pathlib import Path

import pytest

from firmware.access import policy
from host_tests.device.conftest import until
from host_tests.device.disk import files
from host_tests.device.fitted import AIR
from tools import acquirer
from tools.acquirer import office
from tools.device import provision as provision_module
from tools.device.bundle import FIRST_PASSWORDS, Bundle
from tools.device.link import DeviceError
from tools.device.provision import Order, provision
from tools.simulator.models import nvs as nvs_model
from tools.simulator.models.wifi import Network

MERCHANT = "898310054110001"
ACCOUNT = "6222021234567890"


@pytest.fixture
def order(host, tmp_path, monkeypatch):
    """Give `order(**changes)`: how a terminal is provisioned at the acquirer that is running."""
    monkeypatch.setattr(provision_module, "BUNDLES", tmp_path / "bundles")
    number = next(numbers)

    def made(**changes):
        known = {
            "terminal": f"P{number:07d}",
            "merchant": MERCHANT,
            "home": host.home,
            "host": f"127.0.0.1:{host.port}",
            "ssid": AIR[0].ssid,
            "password": AIR[0].password,
        }
        return Order(**{**known, **changes})

    return made


numbers = iter(range(1, 1000))


def again(board, wish):
    """Provision a terminal once more: the provider's response has opened its console."""
    board.open_console()
    provision(board.url, wish)


def in_nvs(board, name):
    """Return an entry of the board's NVS, or None: as it would be found after a power cut."""
    found = nvs_model.Nvs(board.parts.nvs.path).get("rebind", name, "B", 4000)
    return None if found == nvs_model.NOT_FOUND else found


def on(board):
    return files(board.disk.read_bytes())


def books(order):
    rows = acquirer.read_books(order.home)["terminals"]
    return next(row for row in rows if row["terminal"] == order.terminal)


def test_a_flashed_board_becomes_a_terminal_that_has_signed_on(fitted, order, capsys):
    board, wish = fitted(), order(hotline="95516")
    provision(board.url, wish)
    config = json.loads(on(board)["config.json"])
    assert (config["terminal"], config["merchant"]) == (wish.terminal, MERCHANT)
    assert (config["wifi"]["ssid"], config["hotline"]) == (AIR[0].ssid, "95516")
    assert books(wish)["counter"] > 0
    assert in_nvs(board, "ik") is None  # used up
    assert in_nvs(board, "wifi_psk").decode() == AIR[0].password
    said = capsys.readouterr().out
    assert f"terminal {wish.terminal} works" in said
    assert not any(name.endswith(".part") for name in on(board))


def test_no_secret_is_in_a_file_of_the_board_or_in_what_is_printed(
    fitted, order, tmp_path, capsys, held
):
    board, wish = fitted(), order()
    acquirer.enroll(wish.home, wish.terminal, MERCHANT, tmp_path / "bundle")
    provision(board.url, wish._replace(bundle=tmp_path / "bundle"))
    given = Bundle(tmp_path / "bundle")
    secrets = [secret for name, secret in given.entries.items() if name != "ikid"]
    secrets += [in_nvs(board, name) for name in FIRST_PASSWORDS.values()]
    disk = board.disk.read_bytes()
    said = capsys.readouterr().out
    for secret in (*secrets, AIR[0].password.encode()):
        assert secret not in disk and secret.hex().encode() not in disk
        assert secret.hex() not in said and secret.decode("latin-1") not in said


def test_a_second_run_changes_nothing_and_enrols_nothing(fitted, order, capsys):
    board, wish = fitted(), order()
    provision(board.url, wish)
    ikid, state = books(wish)["ikid"], in_nvs(board, "token_key")
    capsys.readouterr()
    again(board, order(host=None, ssid=None, password=None))
    assert books(wish)["ikid"] == ikid
    assert in_nvs(board, "token_key") == state
    said = capsys.readouterr().out
    assert "wrote" not in said and "injected" not in said and "works" in said


def test_the_bundle_that_was_made_for_it_is_wiped_but_for_what_people_are_handed(
    fitted, order, tmp_path
):
    wish = order()
    provision(fitted().url, wish)
    folder = tmp_path / "bundles" / wish.terminal
    left = sorted(folder.iterdir())
    assert [path.name for path in left] == ["operator.json", "owner.json"]
    assert not any(path.stat().st_mode & 0o077 for path in left)
    assert set(json.loads(left[1].read_text())) == {"totp_secret", "first_password"}


def handed(tmp_path, wish):
    """Return {operator: first password} as the owner and the operator are told."""
    folder = tmp_path / "bundles" / wish.terminal
    return {
        number: json.loads((folder / name).read_text())["first_password"]
        for number, name in (("00", "owner.json"), ("01", "operator.json"))
    }


@pytest.fixture
def held(monkeypatch):
    """Boards stay at their console when they are provisioned: no terminal starts on them."""
    monkeypatch.setattr(provision_module.Link, "restart", lambda link, seconds: None)


def on_the_board(board):
    found = {number: in_nvs(board, name) for number, name in FIRST_PASSWORDS.items()}
    return {number: value.decode() for number, value in found.items() if value is not None}


def test_first_passwords_are_drawn_for_each_board_and_handed_over_in_files(
    fitted, order, tmp_path, capsys, held
):
    seen = set()
    for number in (1, 2):
        board, wish = fitted(), order(terminal=f"F{number:07d}")
        provision(board.url, wish)
        first = handed(tmp_path, wish)
        assert on_the_board(board) == first
        assert all(len(password) == 8 and password.isdigit() for password in first.values())
        seen |= set(first.values())
        said = capsys.readouterr().out
        assert "00's is in" in said and not any(password in said for password in first.values())
    assert len(seen) == 4


def test_a_second_run_hands_over_the_same_first_passwords(fitted, order, tmp_path, held):
    board, wish = fitted(), order()
    provision(board.url, wish)
    first = handed(tmp_path, wish)
    provision(board.url, wish)
    assert handed(tmp_path, wish) == on_the_board(board) == first


def test_a_board_that_has_operators_keeps_them_and_their_papers(fitted, order, tmp_path):
    board, wish = fitted(), order()
    provision(board.url, wish)
    first = handed(tmp_path, wish)
    limit = time.monotonic() + 30
    while on_the_board(board) and time.monotonic() < limit:
        time.sleep(0.1)  # the terminal starts, and makes its operators
    assert on_the_board(board) == {}
    acquirer.enroll(wish.home, wish.terminal, MERCHANT, tmp_path / "new")
    again(board, wish._replace(bundle=tmp_path / "new"))
    assert on_the_board(board) == {}
    assert handed(tmp_path, wish) == first


def test_first_passwords_of_the_bundle_are_taken(fitted, order, tmp_path, held):
    board, wish = fitted(), order(bundle=tmp_path / "bundle")
    acquirer.enroll(wish.home, wish.terminal, MERCHANT, wish.bundle)
    keys = wish.bundle / "keys.json"
    drawn = {"00": "58203914", "01": "73914826"}
    keys.write_text(json.dumps({**json.loads(keys.read_text()), "first_passwords": drawn}))
    provision(board.url, wish)
    assert on_the_board(board) == handed(tmp_path, wish) == drawn


def test_what_is_drawn_is_as_long_as_a_chosen_password_and_as_hard_to_guess(monkeypatch):
    numbers = iter([11111111, 12345678, 98765432, 58203914, 58203914, 5, 73914826])
    monkeypatch.setattr("tools.acquirer.office.secrets.randbelow", lambda _: next(numbers))
    drawn = office.first_passwords()
    assert drawn == {"00": "58203914", "01": "73914826"}  # of two people, and not the same
    for number, password in drawn.items():
        assert len(password) >= policy.least(number.encode())
        assert not policy.check(password.encode())


def test_another_network_and_host_reach_the_board_without_new_keys(fitted, order, capsys):
    shop = Network("Shop-5", "another password")
    board, wish = fitted(networks=(*AIR, shop)), order()
    provision(board.url, wish)
    ikid = books(wish)["ikid"]
    again(board, order(ssid=shop.ssid, password=shop.password))
    assert books(wish)["ikid"] == ikid
    assert json.loads(on(board)["config.json"])["wifi"]["ssid"] == shop.ssid


def test_an_initial_key_that_was_used_is_not_injected_again(fitted, order, tmp_path, capsys):
    board, wish = fitted(), order(bundle=tmp_path / "bundle")
    acquirer.enroll(wish.home, wish.terminal, MERCHANT, wish.bundle)
    provision(board.url, wish)
    again(board, wish)
    assert "the initial key was used already" in capsys.readouterr().out
    assert in_nvs(board, "ik") is None


def test_a_bundle_that_was_used_on_another_board_is_told(fitted, order, tmp_path):
    wish = order(bundle=tmp_path / "bundle")
    acquirer.enroll(wish.home, wish.terminal, MERCHANT, wish.bundle)
    provision(fitted().url, wish)
    with pytest.raises(DeviceError, match="used on another board"):
        provision(fitted().url, wish)


def test_a_new_enrolment_replaces_the_keys_and_keeps_the_state(fitted, order, tmp_path):
    board, wish = fitted(), order()
    provision(board.url, wish)
    sealing = in_nvs(board, "seal_key")
    acquirer.enroll(wish.home, wish.terminal, MERCHANT, tmp_path / "new")
    again(board, wish._replace(bundle=tmp_path / "new"))
    assert in_nvs(board, "ikid").hex() == books(wish)["ikid"]
    assert in_nvs(board, "seal_key") == sealing


def test_another_terminals_state_is_refused_unless_it_is_to_be_replaced(fitted, order):
    board, first = fitted(), order()
    provision(board.url, first)
    sealing = in_nvs(board, "seal_key")
    second = order(terminal="P9999999")
    with pytest.raises(
        DeviceError, match=f"is terminal {first.terminal}: its bindings.*REPLACE=1"
    ):
        again(board, second)
    assert json.loads(on(board)["config.json"])["terminal"] == first.terminal
    board.parts.nvs.set("rebind", "failures", "B", b"\0\7")  # of whoever was 00 until now
    board.parts.nvs.commit()
    again(board, second._replace(replace=True))
    assert json.loads(on(board)["config.json"])["terminal"] == "P9999999"
    assert in_nvs(board, "seal_key") != sealing
    assert in_nvs(board, "failures") is None


@pytest.mark.parametrize("power", [False, True], ids=["line lost", "power cut"])
def test_a_run_that_was_cut_anywhere_is_completed_by_the_next(fitted, order, power):
    measured = fitted()
    before = measured.received
    provision(measured.url, order(terminal=f"Q{power:07d}"))
    whole = measured.received - before
    for part in (0.3, 0.6, 0.75, 0.9):
        board, wish = fitted(), order(terminal=f"R{power:d}{100 * part:06.0f}")
        board.cut(after=int(whole * part), power=power)
        with contextlib.suppress(DeviceError):
            provision(board.url, wish)
        provision(board.url, wish)
        assert in_nvs(board, "ikid").hex() == books(wish)["ikid"]
        assert in_nvs(board, "ik") is None


def test_a_power_cut_at_any_commit_of_the_keys_is_completed_by_the_next(fitted, order):
    for commit in (1, 4, 6, 7, 8):
        board, wish = fitted(), order(terminal=f"N{commit:07d}")
        board.parts.nvs.cut_power_at(commit, done=commit % 2)
        with contextlib.suppress(DeviceError):
            provision(board.url, wish)
        provision(board.url, wish)
        assert in_nvs(board, "ikid").hex() == books(wish)["ikid"]


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"ssid": "Elsewhere"}, "Elsewhere is not in reach"),
        ({"password": "wrong words"}, "refuses the password"),
        ({"ssid": "Cafe-Free"}, "is not encrypted"),
        ({"host": "no-such-host.invalid:1"}, "no-such-host.invalid was not found"),
        ({"host": "127.0.0.1:9"}, "nothing listens at port 9"),
    ],
)
def test_a_sign_on_that_fails_is_told_in_words_and_the_next_run_succeeds(
    fitted, order, changes, message
):
    board = fitted()
    with pytest.raises(DeviceError, match=message):
        provision(board.url, order(**changes))
    provision(board.url, order())


@pytest.mark.parametrize("clings", [False, True], ids=["Wi-Fi gives back", "Wi-Fi keeps"])
def test_a_running_terminal_is_provisioned_again(fitted, order, clings):
    board, wish = fitted(), order()
    board.parts.clings = clings
    provision(board.url, wish)
    for _ in range(2):
        until(lambda: board.runs and board.parts.talked)
        again(board, wish)
    assert board.chip.least >= 10 * 1024


def test_another_network_is_not_proven_by_the_one_that_stays_up(fitted, order):
    board = fitted()
    provision(board.url, order())
    until(lambda: board.runs and board.parts.wifi.up)
    board.parts.lingers = True
    with pytest.raises(DeviceError, match="nope is not in reach"):
        again(board, order(ssid="nope", password="not there either"))
    again(board, order())


@pytest.mark.parametrize("fate", ["refused", "Ctrl-C", "cable pulled"])
def test_a_sign_on_that_fails_leaves_a_terminal_that_runs(fitted, order, monkeypatch, fate):
    board = fitted()
    provision(board.url, order())
    until(lambda: board.runs)
    if fate == "refused":
        with pytest.raises(DeviceError, match="refuses the password"):
            again(board, order(password="wrong words"))
    elif fate == "Ctrl-C":
        monkeypatch.setattr(provision_module, "_trouble", interrupted)
        with pytest.raises(KeyboardInterrupt):
            again(board, order())
    else:
        monkeypatch.setattr(provision_module, "_trouble", lambda *_: gone(board))
        with pytest.raises(DeviceError):
            again(board, order(password="new words"))
        assert 0 < board.watchdog_s <= 300  # then it starts by itself
        return
    until(lambda: board.runs)


def interrupted(*_):
    raise KeyboardInterrupt


def gone(board):
    board.unplug()
    raise DeviceError("the line broke")


@pytest.mark.parametrize("no_room", [12, -0x7F00, -0x4310])
def test_a_chip_without_room_for_tls_is_told_and_no_certificate_is_blamed(fitted, order, no_room):
    board = fitted(regions=(44 * 1024, 8 * 1024), no_room=no_room)
    board.parts.takes = (12000,)  # the network keeps what TLS needs
    with pytest.raises(DeviceError, match="ran out of memory"):
        provision(board.url, order())


def test_certificates_that_have_no_room_are_not_called_bad(fitted, order):
    board = fitted(regions=(44 * 1024,))
    board.parts.takes = (41000,)
    with pytest.raises(DeviceError, match="ran out of memory"):
        provision(board.url, order())


def test_a_radio_that_has_no_room_is_told(fitted, order):
    board = fitted()
    board.parts.no_radio = "Wifi Unknown Error 0x0101"
    with pytest.raises(DeviceError, match="the radio does not start"):
        provision(board.url, order())
    board.parts.no_radio = ""
    provision(board.url, order())


def test_an_acquirer_that_is_not_ours_is_told(fitted, order, tmp_path):
    acquirer.init(tmp_path / "other")
    with pytest.raises(DeviceError, match="certificate is not trusted"):
        provision(fitted().url, order(home=tmp_path / "other"))


def test_a_terminal_that_the_acquirer_declines_is_told(fitted, order, tmp_path):
    wish = order(bundle=tmp_path / "old")
    acquirer.enroll(wish.home, wish.terminal, MERCHANT, wish.bundle)
    acquirer.enroll(wish.home, wish.terminal, MERCHANT, tmp_path / "newer")
    with pytest.raises(DeviceError, match="enrol it anew"):
        provision(fitted().url, wish)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"host": None}, "HOST=name:port; nothing was changed"),
        ({"ssid": None}, "SSID=name; nothing was changed"),
        ({"password": None}, "password of Shop is needed"),
        ({"board": "esp8266"}, "no board that this chip can be"),
        ({"bundle": "nowhere"}, "holds no whole bundle"),
        ({"terminal": "1234567890"}, "TERMINAL='1234567890' is not 8 ASCII letters"),
    ],
)
def test_an_order_that_cannot_be_filled_changes_nothing(fitted, order, tmp_path, changes, message):
    board = fitted()
    before = on(board)
    if "bundle" in changes:
        changes["bundle"] = tmp_path / changes["bundle"]
    wish = order(**changes)
    with pytest.raises(DeviceError, match=message):
        provision(board.url, wish)
    assert on(board) == before
    assert in_nvs(board, "ikid") is None
    known = {row["terminal"] for row in acquirer.read_books(wish.home)["terminals"]}
    assert wish.terminal not in known
    assert not list(tmp_path.glob("bundles/*"))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"host": "a.example"}, "HOST='a.example' is no host:port"),
        ({"host": "http://a.example:8583"}, "is no host:port"),
        ({"host": "主机.example:8583"}, "is no host:port"),
        ({"host": "a.example:70000"}, "from 1 to 65535"),
        ({"host": "fe80::1:8583"}, "is no host:port"),
        ({"ssid": "店" * 11}, "SSID=.* is too long"),
        ({"password": "short"}, "password has 8 to 64"),
        ({"terminal": "终端000001"}, "TERMINAL=.* ASCII"),
        ({"merchant": "1"}, "MERCHANT='1' is not 15"),
        ({"bundle": Path("nowhere")}, "holds no whole bundle"),
    ],
)
def test_what_no_board_could_be_given_is_told_before_one_is_looked_for(order, changes, message):
    with pytest.raises(DeviceError, match=message):
        provision("/dev/there-is-none", order(**changes))


def test_a_bundle_of_another_terminal_is_refused(fitted, order, tmp_path):
    wish = order(bundle=tmp_path / "bundle")
    acquirer.enroll(wish.home, "X0000001", MERCHANT, wish.bundle)
    with pytest.raises(DeviceError, match="is terminal X0000001"):
        provision(fitted().url, wish)


def test_certificates_that_the_terminal_cannot_use_reach_no_board(fitted, order, tmp_path):
    board, wish = fitted(), order(bundle=tmp_path / "bundle")
    before = on(board)
    acquirer.enroll(wish.home, "X0000001", MERCHANT, tmp_path / "other")
    acquirer.enroll(wish.home, wish.terminal, MERCHANT, wish.bundle)
    (tmp_path / "other/terminal.key.der").replace(wish.bundle / "terminal.key.der")
    with pytest.raises(DeviceError, match="terminal.key.der is another certificate's key"):
        provision(board.url, wish)
    assert on(board) == before
    assert in_nvs(board, "ikid") is None


def test_a_board_without_the_terminal_is_sent_to_flash_first(desk, order):
    with pytest.raises(DeviceError, match="run `make flash`"):
        provision(desk().url, order())


def test_an_open_network_is_named_as_what_it_is(fitted, order, capsys):
    provision(fitted().url, order(ssid=AIR[1].ssid, password=""))
    assert "refuse to change bindings" in capsys.readouterr().out


@pytest.mark.parametrize("at", [40, slice(9, 13)], ids=["damaged", "used up"])
def test_keys_that_are_of_no_use_any_more_are_replaced_and_the_state_stays(fitted, order, at):
    board, wish = fitted(), order()
    provision(board.url, wish)
    sealing, ikid = in_nvs(board, "seal_key"), in_nvs(board, "ikid")
    until(lambda: board.runs)
    keys = bytearray(in_nvs(board, "dukpt"))
    if isinstance(at, slice):
        keys[at] = bytes(4)  # the counter is past its end
        keys[-4:] = zlib.crc32(keys[:-4]).to_bytes(4, "big")
    else:
        keys[at] ^= 1
    board.parts.nvs.set("rebind", "dukpt", "B", bytes(keys))
    board.parts.nvs.commit()
    again(board, wish)
    assert in_nvs(board, "ikid") != ikid
    assert in_nvs(board, "seal_key") == sealing


def test_a_board_whose_flash_takes_no_more_is_told_so_in_words(fitted, order):
    board, wish = fitted(), order()
    provision(board.url, wish)
    board.parts.flash.worn.update(range(board.parts.flash.sectors))
    with pytest.raises(DeviceError, match="cannot use its state or its keys"):
        again(board, wish)
