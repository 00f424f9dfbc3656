"""`make selftest`: every part is tested on the board, nothing stored changes, a report stays."""

import asyncio
import json
import runpy
import threading
import time
import types

import esp32
import pytest

from drivers.tls_link import LinkError
from host_tests.device.conftest import until
from host_tests.device.fitted import AIR
from tools import acquirer
from tools.device import provision as provision_module
from tools.device import selftest as selftest_module
from tools.device.link import DeviceError
from tools.device.selftest import selftest

MERCHANT = "898310054110001"
KEYS = "123A456B789C*0#D"
CARD = ";4761739001010119=22122011758928889?"


@pytest.fixture
def tested(tmp_path):
    """Give `tested(board, ask=None)`: (passed, checks by name, report, text)."""

    def run(board, ask=None):
        passed = selftest(board.url, ask, tmp_path / "reports")
        (path,) = (tmp_path / "reports").glob("*.json")
        report = json.loads(path.read_text())
        text = path.with_suffix(".txt").read_text()
        return passed, {check["name"]: check for check in report["checks"]}, report, text

    return run


def verdicts(checks):
    return {name: check["verdict"] for name, check in checks.items() if check["verdict"] != "ok"}


def test_a_board_that_is_well_passes_without_a_person(fitted, tested):
    passed, checks, report, text = tested(fitted())
    assert passed and report["passed"]
    assert verdicts(checks) == {
        "keys": "skipped",
        "card reader": "skipped",
        "memory": "absent",  # not provisioned
        "connection": "absent",
    }
    assert (report["board"], report["terminal"]) == ("esp32-devkitc", None)
    assert report["micropython"] == "1.26.1"
    assert text.endswith("passed\n")


def test_the_heap_around_every_errand_and_the_time_of_hot_functions_are_measured(fitted, tested):
    _, checks, _, text = tested(fitted())
    errands = checks["errands"]["measured"]["errands"]
    assert {"change_account", "log_in", "idle"} <= errands.keys()
    for before, opened, after in errands.values():
        assert opened > after >= before
    assert checks["errands"]["measured"]["left"] == 0
    us = checks["hot functions"]["measured"]["us"]
    assert len(us) == 7
    assert us["luhn 19 digits"] < us["cmac 64 B"] < us["flush one row"]
    assert "change_account" in text and "dukpt advance" in text


def test_what_a_terminal_has_stored_is_not_changed(fitted, tested, tmp_path, monkeypatch):
    monkeypatch.setattr(provision_module, "BUNDLES", tmp_path / "bundles")
    board = fitted()
    home = tmp_path / "acquirer"
    acquirer.init(home)
    order = provision_module.Order(
        "S0000001", MERCHANT, home=home, host="127.0.0.1:9", ssid="Shop", password=AIR[0].password
    )
    with pytest.raises(DeviceError, match="sign-on failed"):  # it has a state all the same
        provision_module.provision(board.url, order)
    board.parts.nvs.power_up()
    before = dict(board.parts.nvs._values)
    erases = board.parts.flash.erases[:-1]
    _, checks, report, _ = tested(board)
    board.parts.nvs.power_up()
    assert board.parts.nvs._values == before
    assert board.parts.flash.erases[:-1] == erases  # the last sector was blank, and is again
    assert board.parts.flash.read(63, 0, 4096) == b"\xff" * 4096
    assert verdicts(checks) == {
        "keys": "skipped",
        "card reader": "skipped",
        "connection": "absent",  # nobody answers there
    }
    assert report["terminal"] == "S0000001"


@pytest.fixture
def provisioned(fitted, host, tmp_path, monkeypatch):
    """Give `provisioned(**options)`: a board that has signed on at an acquirer that runs."""
    monkeypatch.setattr(provision_module, "BUNDLES", tmp_path / "bundles")

    def made(terminal, **options):
        board = fitted(**options)
        order = provision_module.Order(
            terminal,
            MERCHANT,
            home=host.home,
            host=f"127.0.0.1:{host.port}",
            ssid=AIR[0].ssid,
            password=AIR[0].password,
        )
        provision_module.provision(board.url, order)
        board.open_console()
        return board

    return made


def test_a_real_handshake_leaves_its_low_water_mark_in_the_report(provisioned, tested):
    passed, checks, _, text = tested(provisioned("S0000002"))
    assert passed
    assert checks["connection"]["verdict"] == "ok"
    assert 12288 <= checks["connection"]["measured"]["chip_least"] < 16000
    assert "chip_least" in text
    memory = checks["memory"]["measured"]
    assert memory["grown"]
    assert memory["used"] + memory["free"] < 80 * 1024  # what could still be had is not free


def test_a_chip_whose_heap_is_short_in_the_handshake_fails(provisioned, tested):
    board = provisioned("S0000003")
    board.parts.takes = (16000,)  # another network, of which the chip has more to keep
    passed, checks, _, _ = tested(board)
    assert not passed
    assert verdicts(checks)["connection"] == "failed"
    assert checks["connection"]["measured"]["chip_least"] < 12288


@pytest.mark.parametrize(
    ("looked", "noted", "least", "verdict"),
    [
        ((36864, 5696, 9000), 5000, 5000, "failed"),  # where nobody could look it was less still
        ((36864, 13000, 20000), 20, 13000, "ok"),  # what was noted is from before
        ((50000, 30000, 20000), 12287, 12287, "failed"),
        ((50000, 30000, 20000), 12288, 12288, "ok"),
    ],
)
def test_the_least_is_what_was_seen_or_what_the_chip_has_noted_since(
    monkeypatch, tmp_path, looked, noted, least, verdict
):
    before = 20 if noted == 20 else 40000
    shown = [looked[0]]
    ended = []

    class Link:
        host = "acquirer.example"

        async def open(self):
            for piece in looked[1:]:
                shown[0] = piece
                await asyncio.sleep(0.01)
            ended.append(1)

        async def close(self):
            pass

    def info(capabilities):
        return [(9000, 8000, 7000, 6000), (200000, 90000, shown[0], noted if ended else before)]

    monkeypatch.setattr(esp32, "idf_heap_info", info)
    monkeypatch.setattr(asyncio, "sleep_ms", lambda ms: asyncio.sleep(ms / 1000), raising=False)
    monkeypatch.chdir(tmp_path)  # nothing is provisioned here
    inside = runpy.run_path(str(selftest_module._HANDSHAKE), {"reply": lambda found: None})
    parts = types.SimpleNamespace(
        link=Link(), wifi=types.SimpleNamespace(connected=True), link_error=LinkError
    )
    found = asyncio.run(inside["connection"](parts))
    assert found[0] == verdict
    assert found[1]["chip_least"] == least


def test_a_self_test_that_is_interrupted_leaves_a_terminal_that_starts(
    fitted, tested, monkeypatch
):
    def interrupted(*_):
        raise KeyboardInterrupt

    board = fitted()
    monkeypatch.setattr(selftest_module, "_check", interrupted)
    before = board.resets
    with pytest.raises(KeyboardInterrupt):
        tested(board)
    until(lambda: board.resets > before)


def test_a_journal_without_a_blank_sector_is_only_read(fitted, tested):
    board = fitted()
    for sector in range(64):
        board.parts.flash.program(sector, 0, b"RBJ\x02")
    programmed = board.parts.flash.operations
    _, checks, _, _ = tested(board)
    assert "read only" in checks["journal"]["measured"]["note"]
    assert board.parts.flash.operations == programmed


def test_a_journal_in_files_is_tested_and_called_so(fitted, tested):
    board = fitted()
    board.parts.flash.label = "other"
    passed, checks, report, _ = tested(board)
    assert passed
    assert checks["journal"]["measured"]["in_files"]
    assert report["notes"] == ["files"]


def test_flash_that_does_not_keep_what_is_written_fails(fitted, tested):
    board = fitted()
    board.parts.flash.worn.add(63)
    passed, checks, _, text = tested(board)
    assert not passed
    assert verdicts(checks)["journal"] == "failed"
    assert text.endswith("failed\n")


def test_missing_parts_are_named_and_do_not_stop_the_rest(fitted, tested):
    board = fitted(networks=())
    board.parts.panel.fitted = False
    board.parts.keypad.fitted = False
    passed, checks, report, _ = tested(board)
    assert not passed
    assert sorted(report["faults"]) == ["keypad", "oled"]
    bad = verdicts(checks)
    assert bad["display"] == "absent"
    assert bad["keypad"] == bad["wifi"] == bad["parts"] == "failed"
    assert checks["keypad"]["measured"]["dead_columns"] == [1, 2, 3, 4]
    assert checks["vectors"]["verdict"] == checks["hot functions"]["verdict"] == "ok"


def test_a_wrong_result_of_a_hot_function_is_named(fitted, tested, tmp_path, monkeypatch):
    spoilt = tmp_path / "selftest.py"
    source = selftest_module._INSIDE.read_text()
    spoilt.write_text(source.replace("BB1D6929E95937287FA37D129B756746", "00" * 16))
    monkeypatch.setattr(selftest_module, "_INSIDE", spoilt)
    passed, checks, _, _ = tested(fitted())
    assert not passed
    assert checks["vectors"]["measured"]["wrong"] == ["cmac"]


@pytest.fixture
def person(monkeypatch):
    """Give `person(board, keys, card)`: someone who does what is asked, at the board."""

    def made(board, keys=KEYS, card=CARD):
        matrix = board.parts.keypad
        seen = threading.Event()

        def press():
            for key in keys:
                matrix.down(key)
                _until(lambda key=key: matrix.settled(key))
                matrix.up(key)
                _until(lambda key=key: matrix.settled(key))

        def swipe():
            begun = board.parts.port.waiting
            time.sleep(
                0.3
            )  # a card comes when the reader waits for it: what came before is dropped
            del begun
            board.parts.reader.swipe(card)

        def heard(text):
            if text.startswith(("ok", "failed")) and "card reader" in text:
                seen.set()
            deeds = [deed for word, deed in (("keys", press), ("swipe", swipe)) if word in text]
            for deed in deeds:
                threading.Thread(target=deed, daemon=True).start()

        monkeypatch.setattr(selftest_module, "say", heard)

    return made


def _until(settled):
    while not settled():
        time.sleep(0.002)


def test_a_person_walks_the_keys_looks_and_swipes(fitted, tested, person):
    board = fitted()
    person(board)
    asked = []
    passed, checks, _, text = tested(board, lambda question: asked.append(question) or True)
    assert passed and verdicts(checks) == {"memory": "absent", "connection": "absent"}
    assert len(asked) == 1 and "display" in asked[0]
    assert "4761739001010119" not in text + json.dumps(checks)


def test_a_key_that_does_not_come_and_a_pattern_that_is_not_whole_fail(
    fitted, tested, person, monkeypatch
):
    board = fitted()
    source = selftest_module._CHECKS
    monkeypatch.setattr(
        selftest_module,
        "_CHECKS",
        tuple((name, call.replace("90", "4"), order) for name, call, order in source),
    )
    person(board, keys="123A456B789C*0#")
    passed, checks, _, _ = tested(board, lambda question: False)
    assert not passed
    assert checks["keys"]["measured"]["missing"] == ["D"]
    bad = {name for name, verdict in verdicts(checks).items() if verdict == "failed"}
    assert bad == {"keys", "display"}


def test_a_board_without_the_terminal_is_sent_to_flash_first(desk, tmp_path):
    with pytest.raises(DeviceError, match="run `make flash`"):
        selftest(desk().url, None, tmp_path)
