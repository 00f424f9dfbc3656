"""How the station's radio is started, and how it looks around and joins its network: see wifi.

What always holds: a network's security is the weakest one seen of its name; every attempt begins
with the chip at rest, since in the middle of another it may refuse or hang, and a connection that
is still there would pass for the new one. May import network.
"""

import asyncio
import time

import network
from micropython import const

from drivers.wifi import NO_NETWORK, OK, OPEN, TIMEOUT, WRONG_PASSWORD

_CONNECTING = const(1001)
_IDLE = const(1000)
_GOT_IP = const(1010)
_NO_SUCH_NAME = const(201)
_STALE_MS = const(4000)
_REST_MS = const(100)
_LEAVE_MS = const(2000)


def start(station):
    """Have the radio on. Raises OSError, RuntimeError (the chip says so of what it has no name
    for, in 1.25 of too little memory) and MemoryError.
    """
    if station.wlan is None:
        station.wlan = network.WLAN(network.STA_IF)
    station.wlan.active(True)


def scan(station):
    """Return the networks in reach as (ssid, rssi, security); blocks for about two seconds.
    Raises what `start` does.
    """
    found = []
    own = -1
    start(station)
    for name, _, _, rssi, security, _ in station.wlan.scan():
        name = _text(name)
        found.append((name, rssi, security))
        if name == station.ssid and (own < 0 or security < own):
            own = security
    station.security = own
    return found


async def join(station, timeout_ms):
    """Join the network of `station`; return OK or why not. Raises what `start` does."""
    start_ms = time.ticks_ms()
    start(station)
    wlan = station.wlan
    wlan.config(reconnects=0)  # repeats are ours: the driver's own hide the reason of a failure
    code = OK
    while True:
        before = code
        status = await _attempt(station, start_ms, timeout_ms)
        if status == _GOT_IP:
            station.security = -1
            if station.encrypted is None:
                scan(station)
            return OK
        code = _verdict(status)
        late = time.ticks_diff(time.ticks_ms(), start_ms) >= timeout_ms
        # A key exchange fails on a weak signal too: only a second one is the password's fault.
        if late or code == NO_NETWORK or code == before == WRONG_PASSWORD:
            wlan.disconnect()
            return _missing(station, status) if code == NO_NETWORK else code


def _missing(station, status):
    # Why there is no network to join: one that is not encrypted has the name, or none has.
    # To look around blocks for about two seconds: not at every attempt while nothing is there.
    if status != _NO_SUCH_NAME or station.status != NO_NETWORK:
        scan(station)
    return OPEN if station.encrypted is False else NO_NETWORK


async def _attempt(station, start_ms, timeout_ms):
    # Try once; return the driver's last status.
    wlan = station.wlan
    await _leave(wlan)
    before = wlan.status()
    attempt_ms = time.ticks_ms()
    wlan.connect(station.ssid, station.psk or None)
    while True:
        await asyncio.sleep_ms(100)
        if wlan.isconnected():
            return _GOT_IP
        now = time.ticks_ms()
        status = wlan.status()
        # The driver keeps the reason of the attempt before until it has a new one.
        stale = status == before and time.ticks_diff(now, attempt_ms) < _STALE_MS
        failed = status != _CONNECTING and status != _IDLE and status != _GOT_IP
        if (failed and not stale) or time.ticks_diff(now, start_ms) >= timeout_ms:
            return status


async def _leave(wlan):
    # Have no network any more: one that stays proves nothing of the one that is to be joined.
    begun_ms = time.ticks_ms()
    wlan.disconnect()
    await asyncio.sleep_ms(_REST_MS)
    while wlan.isconnected():
        if time.ticks_diff(time.ticks_ms(), begun_ms) >= _LEAVE_MS:
            raise OSError(0)  # no radio that could be relied on
        wlan.active(False)
        await asyncio.sleep_ms(_REST_MS)
        wlan.active(True)
        await asyncio.sleep_ms(_REST_MS)


def _verdict(status):
    if status in (_NO_SUCH_NAME, 210, 211, 212):  # or of too little security or signal
        return NO_NETWORK
    if status in (202, 204, 15):  # refused, or the key exchange failed
        return WRONG_PASSWORD
    return TIMEOUT


def _text(name):
    try:
        return name.decode()
    except UnicodeError:  # a neighbour's name in another encoding: it can only be looked at
        return ""
