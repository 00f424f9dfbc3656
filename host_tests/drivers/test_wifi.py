"""The station among networks that come, go, and refuse."""

import asyncio

import network
import pytest

from drivers import joining, wifi
from drivers.wifi import Wifi

AIR = {"shop": ("correct horse", 3), "cafe": ("", 0), "old": ("12345", 1)}


@pytest.fixture(autouse=True)
def air():
    """Put three networks on the air."""
    network.WLAN.air = dict(AIR)


def _connect(station, timeout_ms=15000):
    return asyncio.run(station.connect(timeout_ms))


def test_the_right_password_joins():
    station = Wifi("shop", "correct horse")
    assert station.status == wifi.OFF
    assert not station.encrypted
    assert _connect(station) == station.status == wifi.OK
    assert station.connected
    assert station.encrypted
    assert not station.connecting


@pytest.mark.parametrize(("ssid", "psk"), [("cafe", ""), ("old", "12345")])
def test_open_and_wep_are_not_encrypted(ssid, psk):
    station = Wifi(ssid, psk)
    assert _connect(station) == wifi.OK
    assert station.encrypted is False


@pytest.mark.parametrize(
    ("ssid", "psk", "code"),
    [("shop", "wrong", wifi.WRONG_PASSWORD), ("gone", "x", wifi.NO_NETWORK)],
)
def test_a_failure_is_named(ssid, psk, code):
    station = Wifi(ssid, psk)
    assert _connect(station) == code
    assert not station.connected


def test_the_reason_of_the_attempt_before_is_not_taken_for_a_new_one():
    station = Wifi("shop", "correct horse")
    network.WLAN.air = {}
    assert _connect(station) == wifi.NO_NETWORK
    network.WLAN.air = dict(AIR)
    network.WLAN.made.connects = 0
    assert _connect(station) == wifi.OK
    assert network.WLAN.made.connects == 1


def test_a_network_that_never_answers_ends_in_time(moment, monkeypatch):
    monkeypatch.setattr(network.WLAN, "polls", 10**9)
    station = Wifi("shop", "correct horse")
    start = moment.ms
    assert _connect(station, 5000) == wifi.TIMEOUT
    assert 5000 <= moment.ms - start < 6000


@pytest.mark.parametrize(
    "fault",
    [
        OSError(0x101, "ESP_ERR"),
        RuntimeError("Wifi Unknown Error 0x0101"),  # so 1.25 says that memory is short
        MemoryError(),
    ],
)
def test_a_radio_that_does_not_start_is_off_and_is_started_by_the_next_attempt(fault):
    network.WLAN.broken = fault
    station = Wifi("shop", "correct horse")
    assert not station.connected
    assert _connect(station) == wifi.OFF
    assert not station.connecting
    network.WLAN.broken = None
    assert _connect(station) == wifi.OK


@pytest.mark.parametrize("lingers", [1, 3])
def test_a_network_that_stays_up_is_not_taken_for_the_one_to_be_joined(lingers):
    station = Wifi("shop", "correct horse")
    assert _connect(station) == wifi.OK
    network.WLAN.lingers = lingers
    station.ssid = "nope"
    assert _connect(station) == wifi.NO_NETWORK
    assert not station.connected


def test_a_network_that_cannot_be_left_proves_nothing():
    station = Wifi("shop", "correct horse")
    assert _connect(station) == wifi.OK
    network.WLAN.lingers = 10**6
    station.ssid = "nope"
    assert _connect(station) == wifi.OFF


def test_a_key_exchange_that_fails_once_is_not_blamed_on_the_password():
    network.WLAN.stumbles = 1
    assert _connect(Wifi("shop", "correct horse")) == wifi.OK


def test_the_driver_makes_no_attempts_of_its_own():
    station = Wifi("shop", "wrong")
    _connect(station)
    assert station.wlan.reconnects == 0


def test_scan_names_what_is_in_reach():
    assert ("cafe", -50, 0) in joining.scan(Wifi("shop", ""))


def _twins(monkeypatch):
    twins = [(b"shop", bytes(6), 1, -50, 3, False), (b"shop", bytes(6), 6, -30, 0, False)]
    monkeypatch.setattr(network.WLAN, "scan", lambda self: [*twins, (b"\xff\xfe", 0, 0, 0, 3, 0)])


def test_the_weakest_access_point_of_the_name_counts_while_none_is_joined(monkeypatch):
    _twins(monkeypatch)
    station = Wifi("shop", "correct horse")
    joining.scan(station)
    assert station.encrypted is False


def test_what_was_joined_with_a_password_is_encrypted_whoever_else_has_the_name(monkeypatch):
    _twins(monkeypatch)
    station = Wifi("shop", "correct horse")
    assert _connect(station) == wifi.OK
    assert station.encrypted is True


def test_a_hidden_network_is_joined_and_known_to_be_encrypted():
    network.WLAN.hidden = ("shop",)
    station = Wifi("shop", "correct horse")
    assert station.encrypted is None
    assert _connect(station) == wifi.OK
    assert station.encrypted is True


def test_of_a_hidden_network_with_a_short_password_nothing_is_known():
    network.WLAN.hidden = ("old",)
    station = Wifi("old", "12345")
    assert _connect(station) == wifi.OK
    assert station.encrypted is None


def test_an_open_network_of_the_name_is_not_joined_and_said_to_be_open():
    network.WLAN.air = {"shop": ("", 0)}
    station = Wifi("shop", "correct horse")
    assert _connect(station) == station.status == wifi.OPEN
    assert not station.connected and station.encrypted is False
    network.WLAN.air = {}
    assert _connect(station) == wifi.NO_NETWORK
    assert station.encrypted is None
    network.WLAN.air = {"shop": ("", 0)}
    assert _connect(station) == wifi.OPEN
    network.WLAN.air = dict(AIR)
    assert _connect(station) == wifi.OK
    assert station.encrypted is True
    network.WLAN.made.drop()
    assert station.encrypted is None  # of what was there before it was joined nothing is said


def test_looking_around_for_what_is_not_there_is_done_once(monkeypatch):
    looks = []
    there = network.WLAN.scan
    monkeypatch.setattr(network.WLAN, "scan", lambda self: looks.append(1) or there(self))
    station = Wifi("gone", "correct horse")
    for _ in range(5):
        assert _connect(station) == wifi.NO_NETWORK
    assert len(looks) == 1  # it blocks the keypad for two seconds


def test_a_chip_that_is_still_busy_with_an_attempt_of_its_own_is_stopped_first():
    station = Wifi("shop", "correct horse")
    joining.start(station)
    station.wlan.connect("shop", "correct horse")
    assert _connect(station) == wifi.OK


def test_a_lost_network_is_joined_again(moment):
    station = Wifi("shop", "correct horse")

    async def story():
        keeping = asyncio.create_task(station.run())
        while not station.connected:
            await asyncio.sleep(0)
        network.WLAN.made.drop()
        assert not station.connected
        start = moment.ms
        while not station.connected:
            await asyncio.sleep(0)
        keeping.cancel()
        return moment.ms - start

    assert asyncio.run(story()) < 10000


def test_attempts_come_at_growing_pauses(moment):
    network.WLAN.air = {}
    station = Wifi("shop", "correct horse")

    async def story():
        keeping = asyncio.create_task(station.run())
        while moment.ms < 600000:
            await asyncio.sleep(0)
        keeping.cancel()

    asyncio.run(story())
    assert 8 <= network.WLAN.made.connects <= 20
