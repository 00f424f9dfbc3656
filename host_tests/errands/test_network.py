"""What is said of the network: radio and encryption as they are now, the acquirer as it was."""

import asyncio
from types import SimpleNamespace

import pytest

from drivers import wifi
from drivers.clock import Clock
from firmware.acquirer import sync
from firmware.binding import change
from firmware.errands import idle, network, preparation
from host_tests.ui.stage import Stage
from tools.build import texts

_REACHED_AT = 1767240843  # 2026-01-01 04:14:03 UTC, a quarter past noon at the till
_LAST = "Acquirer last reached 01-01 12:14"


class Radio:
    """A station as drivers.wifi.Wifi shows it: up or not, why, and what is known of it."""

    def __init__(self, connected, status, encrypted, ssid="Shop"):
        self.connected = connected
        self.status = status
        self.encrypted = encrypted
        self.ssid = ssid


JOINED = Radio(True, wifi.OK, True)
OPEN = Radio(False, wifi.OPEN, False)


def _desk(radio, reached=sync.NEVER, trouble=0, code=b"--", reached_at=0):
    stage = Stage("en")

    async def sign_on():
        pass

    return SimpleNamespace(
        stage=stage,
        text=stage.text,
        pages=stage.pages,
        hotline="95516",
        operator=None,
        draft=None,
        board=SimpleNamespace(wifi=radio, faults=[], keypad=SimpleNamespace(stuck=-1)),
        clock=SimpleNamespace(
            civil=lambda epoch, out: Clock.civil(None, epoch, out),
            now=lambda: _REACHED_AT,
            trusted=True,
        ),
        sync=SimpleNamespace(
            reached=reached,
            trouble=trouble,
            code=code,
            reached_at=reached_at,
            differing=[],
            faulty=False,
            names=[b"N"],
            sign_on=sign_on,
        ),
        state=SimpleNamespace(get=lambda key: None, binding=lambda slot: None),
        change=SimpleNamespace(phase=change.IDLE),
        identity=SimpleNamespace(merchant=b"898310054110001"),
    )


def _said(desk):
    return network._describe(desk).split("\n")


@pytest.mark.parametrize(
    "encrypted, words",
    [
        (True, "Network encrypted"),
        (False, "Wi-Fi not encrypted"),
        (None, "Encryption not known"),
    ],
)
def test_what_is_known_of_the_encryption_is_said_and_no_more(encrypted, words):
    said = _said(_desk(Radio(True, wifi.OK, encrypted), sync.REACHED, reached_at=_REACHED_AT))
    assert said == ["Shop", "Wi-Fi connected", words, _LAST]


@pytest.mark.parametrize("code", range(6))
@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_why_there_is_no_network_is_said(language, code):
    desk = _desk(Radio(False, code, None))
    desk.text.load(desk.text._file.name.replace("en.bin", f"{language}.bin"))
    name, why = _said(desk)
    assert why == texts.read(language)[f"network.down.{code}"]
    if code == wifi.OPEN:
        assert "未加密" in why or "not encrypted" in why


def test_the_page_does_not_contradict_itself_when_the_radio_is_back():
    desk = _desk(JOINED, sync.UNREACHED, trouble=1, reached_at=_REACHED_AT)
    assert _said(desk) == ["Shop", "Wi-Fi connected", "Network encrypted", _LAST]


def test_what_became_of_the_last_contact_is_said_as_past():
    said = _said(_desk(JOINED, sync.UNREACHED, trouble=6, reached_at=_REACHED_AT))
    assert said[2:] == ["Network encrypted", "Last contact: Acquirer: time-out", _LAST]
    said = _said(_desk(JOINED, sync.DECLINED, code=b"03"))
    assert said[2:] == ["Network encrypted", "Last contact: Invalid merchant"]
    said = _said(_desk(Radio(False, wifi.NO_NETWORK, None), sync.REACHED, reached_at=_REACHED_AT))
    assert said == ["Shop", "Wi-Fi not in reach", _LAST]


def test_a_network_that_is_open_is_no_network_that_is_not_there():
    """As docs/guide promises; the chip does not join it, see host_tests/drivers/test_wifi.py."""
    assert idle._words(_desk(OPEN), [None, ""]).split("\n")[0] == "Wi-Fi not encrypted"
    without = _desk(Radio(False, 1, None))
    assert idle._words(without, [None, ""]).split("\n")[0] == "Wi-Fi not connected"
    failed = asyncio.run(preparation._first_failure(_desk(OPEN), "change.title"))
    assert "The network is not encrypted" in failed
    failed = asyncio.run(preparation._first_failure(_desk(Radio(True, 0, None)), "change.title"))
    assert "not known whether" in failed
    assert asyncio.run(preparation._first_failure(_desk(JOINED), "change.title")) is None


@pytest.mark.parametrize("data", ["answer.55", "shop.1234567890", "link.1"])
def test_names_that_look_like_text_keys_are_shown_as_they_are(data):
    desk = _desk(Radio(True, wifi.OK, True, ssid=data))
    desk.identity.merchant = data.encode()
    desk.hotline = data
    _, screens = desk.stage.play(network.run(desk), "C")
    assert screens[0][1] == data
    assert desk.stage.play(idle.run(desk))[1][0][-2] == data
    _, screens = desk.stage.play(preparation.run(desk, "change.title", 1), "BBBBB")
    assert any(line.replace(" ", "").endswith(data) for line in screens[-1])
