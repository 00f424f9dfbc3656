"""A terminal's console: nothing on the cable opens it, the provider's response does."""

import contextlib
import shutil
import socket

import pytest

from host_tests.device.board import BLOCKS
from host_tests.device.conftest import until
from host_tests.device.disk import files, image
from host_tests.device.fitted import AIR, FittedBoard
from host_tests.device.test_provision import MERCHANT, in_nvs
from tools.acquirer import keys, office
from tools.device import link
from tools.device import provision as provision_module
from tools.device.flash import flash
from tools.device.link import DeviceError, Link
from tools.device.provision import Order, provision
from tools.device.selftest import selftest
from tools.device.verify import verify
from tools.simulator import workplace

TERMINAL = "C0000001"


@pytest.fixture(scope="module")
def wish(host):
    """How the terminal is provisioned."""
    return Order(
        TERMINAL,
        MERCHANT,
        home=host.home,
        host=f"127.0.0.1:{host.port}",
        ssid=AIR[0].ssid,
        password=AIR[0].password,
    )


@pytest.fixture(scope="module")
def provisioned(flashed, wish, tmp_path_factory):
    """What there is in a board whose terminal has run."""
    home = tmp_path_factory.mktemp("provisioned")
    (home / "disk").write_bytes(flashed)
    with pytest.MonkeyPatch.context() as patch, FittedBoard(home) as board:
        patch.setattr(provision_module, "BUNDLES", home / "bundles")
        provision(board.url, wish)
        until(lambda: board.runs and in_nvs(board, "console") is None)
    return home


@pytest.fixture
def terminal(provisioned, tmp_path, monkeypatch, record_property):
    """A provisioned board that has just been given power."""
    record_property("interpreter", "micropython")
    home = tmp_path / "board"
    shutil.copytree(provisioned, home)
    monkeypatch.setattr(provision_module, "BUNDLES", home / "bundles")
    monkeypatch.setattr(link, "_ANSWER_S", 1)
    with FittedBoard(home) as board:
        yield board
    assert board.faults == []


def attack(board, *attempts, rounds=8):
    """Send these to the console while it starts and runs; return all that it says."""
    where, port = board.url.removeprefix("socket://").split(":")
    with socket.create_connection((where, int(port))) as line:
        line.settimeout(0.05)
        heard = b""
        board.power_cycle()
        for _ in range(rounds):
            for keys in attempts:
                line.sendall(keys)
                with contextlib.suppress(TimeoutError):
                    heard += line.recv(4096)
    return heard


def press(board, keys):
    matrix = board.parts.keypad
    for key in keys:
        matrix.tap(key)
        until(lambda key=key: matrix.settled(key))


def ask_for_it(board):
    """Hold * while power comes on; return the challenge that the panel shows."""
    board.parts.keypad.down("*")
    board.power_cycle()
    until(lambda: board.parts.panel.on)
    board.parts.keypad.up("*")
    until(lambda: board.parts.keypad.settled("*"))  # until then no other key counts
    return in_nvs(board, "challenge")[:8].decode()


def response(wish, challenge):
    [right] = office.reset_code(wish.home, TERMINAL, keys.CONSOLE, challenge, "Wang Li")
    return right


def test_nothing_that_is_sent_to_a_terminal_stops_it(terminal):
    said = attack(
        terminal, b"\x03", b"\r\x03\x03", b"\x03\x02", b"\x01", b"\x05", b"\x04", b"\x03" * 64
    )
    assert b">>>" not in said and b"raw REPL" not in said and b"KeyboardInterrupt" not in said
    until(lambda: terminal.runs)


def hurt(provisioned, tmp_path, *gone):
    """Return the folder of the provisioned board without these files."""
    root, home = tmp_path / "root", tmp_path / "hurt"
    for name, content in files((provisioned / "disk").read_bytes()).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for name in gone:
        (root / name).unlink()
    shutil.copytree(provisioned, home)
    (home / "disk").write_bytes(image(root, BLOCKS))
    return home


@pytest.mark.parametrize("gone", ["config.json", "firmware/rooms.mpy", "drivers/trouble.mpy"])
def test_whatever_keeps_it_from_starting_leads_to_no_prompt(
    provisioned, tmp_path, gone, record_property
):
    record_property("interpreter", "micropython")
    with FittedBoard(hurt(provisioned, tmp_path, gone)) as board:
        said = attack(board, b"\r\x03\x03", b"\x01", b"\x04", rounds=15)
        assert b"make flash PORT=" in said
        assert b">>>" not in said and b"raw REPL" not in said


def test_without_texts_font_and_an_errand_it_is_opened_and_repaired_as_ever(
    provisioned, tmp_path, wish, monkeypatch, record_property
):
    record_property("interpreter", "micropython")
    monkeypatch.setattr(link, "_ANSWER_S", 1)
    home = hurt(provisioned, tmp_path, "assets/zh.bin", "assets/font.bin", "e_idle.mpy")
    with FittedBoard(home) as board:
        right = response(wish, ask_for_it(board))
        press(board, right + "D")
        until(lambda: in_nvs(board, "console") == b"\1")
        build = workplace.device_root()
        flash(board.url, build, None, False, 0)
        until(lambda: board.runs)


def test_the_tools_say_how_it_is_opened(terminal, wish, tmp_path):
    until(lambda: terminal.runs)
    build, home = workplace.device_root(), tmp_path / "home"
    for tool in (
        lambda port: flash(port, build, None, False, 0),
        lambda port: verify(port, None, build),
        lambda port: selftest(port, None, home),
        lambda port: provision(port, wish),
    ):
        with pytest.raises(DeviceError, match="hold \\* while power comes on, ask the provider"):
            tool(terminal.url)


def test_the_providers_response_opens_it_until_a_tool_is_done(terminal, wish):
    challenge = ask_for_it(terminal)
    right = response(wish, challenge)
    press(terminal, f"{(int(right) + 1) % 10**8:08d}D")
    until(lambda: in_nvs(terminal, "challenge")[8] == 1)  # counted
    assert in_nvs(terminal, "console") is None
    press(terminal, right + "D")
    until(lambda: in_nvs(terminal, "challenge") is None)  # used up
    assert in_nvs(terminal, "console") == b"\1"
    terminal.power_cycle()  # a board may start anew as its port is opened
    assert verify(terminal.url, None, workplace.device_root())
    until(lambda: terminal.runs and in_nvs(terminal, "console") is None)
    assert b">>>" not in attack(terminal, b"\x03", b"\x01")


def test_five_wrong_responses_lock_it_and_power_begins_the_wait_again(terminal, wish):
    challenge = ask_for_it(terminal)
    for wrong in range(1, 6):
        press(terminal, "12345678D")
        until(lambda wrong=wrong: in_nvs(terminal, "challenge")[8] == wrong)
    ask_for_it(terminal)
    press(terminal, response(wish, challenge) + "D")
    assert in_nvs(terminal, "console") is None
    assert in_nvs(terminal, "challenge")[:8].decode() == challenge


def test_a_board_without_a_service_key_stays_open(terminal):
    terminal.parts.nvs.erase("rebind", "service_key")
    terminal.parts.nvs.commit()
    terminal.power_cycle()
    assert verify(terminal.url, None, workplace.device_root())


def test_a_state_that_is_gone_begins_anew_only_with_new_keys(terminal, wish):
    terminal.parts.nvs.erase("rebind", "journal")
    for name, digits in (("first_00", b"19283746"), ("first_01", b"56473829")):
        terminal.parts.nvs.set("rebind", name, "B", digits)  # who did it would like to be let in
    terminal.parts.nvs.commit()
    terminal.open_console()
    with Link(terminal.url) as line:
        assert "needs service, code 24" in line.restart(4)
    former = in_nvs(terminal, "ikid")
    terminal.open_console()
    provision(terminal.url, wish)
    assert in_nvs(terminal, "ikid") != former
    until(lambda: terminal.runs and in_nvs(terminal, "first_01") is None)
