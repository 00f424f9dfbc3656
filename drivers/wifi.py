"""The Wi-Fi station: joins one network, keeps it, and knows whether it is encrypted.

What always holds: `encrypted` is true only when every access point of that name was seen with WPA
or better; what was not seen is not encrypted. One task joins at a time. May import network.
"""

import asyncio
import time

import network
from micropython import const

OK = const(0)
NO_NETWORK = const(1)
WRONG_PASSWORD = const(2)
TIMEOUT = const(3)
OFF = const(4)

_WPA = const(2)  # security of a scan: 0 open, 1 WEP (broken: as good as open), 2 and up WPA
_CONNECTING = const(1001)
_IDLE = const(1000)
_GOT_IP = const(1010)
_ATTEMPT_MS = const(15000)
_WATCH_MS = const(1000)
_PAUSE_MS = const(60000)  # the longest between attempts
_STALE_MS = const(4000)


class Wifi:
    """The network `ssid` with the password `psk` (empty for an open one).

    `status` is the code of the last attempt, `connecting` is true while one runs.
    """

    def __init__(self, ssid, psk):
        self._ssid = ssid
        self._psk = psk
        self._security = -1
        self._wlan = network.WLAN(network.STA_IF)
        self.status = OFF
        self.connecting = False

    @property
    def connected(self):
        """True while there is a network with an address."""
        return self._wlan.isconnected()

    @property
    def encrypted(self):
        """True when the network is known to be encrypted."""
        return self._security >= _WPA

    def scan(self):
        """Return the networks in reach as (ssid, rssi, security); blocks for about two seconds."""
        found = []
        own = -1
        self._wlan.active(True)
        for name, _, _, rssi, security, _ in self._wlan.scan():
            name = _text(name)
            found.append((name, rssi, security))
            if name == self._ssid and (own < 0 or security < own):
                own = security
        if own >= 0:
            self._security = own
        return found

    async def run(self):
        """Keep connected for ever: join, watch, join again with growing pauses."""
        pause_ms = _WATCH_MS
        while True:
            if self.connected:
                pause_ms = _WATCH_MS
            elif not self.connecting and await self.connect(_ATTEMPT_MS) != OK:
                pause_ms = min(pause_ms * 2, _PAUSE_MS)
            await asyncio.sleep_ms(pause_ms)

    async def connect(self, timeout_ms):
        """Join the network within `timeout_ms`; return OK or why not."""
        self.connecting = True
        try:
            self.status = await self._join(timeout_ms)
        except OSError:  # the radio did not start: out of memory, or no radio
            self.status = OFF
        finally:
            self.connecting = False
        return self.status

    async def _join(self, timeout_ms):
        start_ms = time.ticks_ms()
        wlan = self._wlan
        wlan.active(True)
        wlan.config(
            reconnects=1
        )  # repeats are ours: the driver's own hide the reason of a failure
        if self._security < 0:
            self.scan()
        while True:
            status = await self._attempt(start_ms, timeout_ms)
            if status == _GOT_IP:
                if self._security < 0:  # missed by the first look
                    self.scan()
                return OK
            code = _verdict(status)
            late = time.ticks_diff(time.ticks_ms(), start_ms) >= timeout_ms
            if late or code == NO_NETWORK or code == WRONG_PASSWORD:
                wlan.disconnect()
                return code

    async def _attempt(self, start_ms, timeout_ms):
        """Try once; return the driver's last status."""
        wlan = self._wlan
        before = wlan.status()
        attempt_ms = time.ticks_ms()
        wlan.connect(self._ssid, self._psk or None)
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


def _verdict(status):
    if status in (201, 210, 211, 212):  # no such name, or none with acceptable security or signal
        return NO_NETWORK
    if status in (202, 204, 15):  # refused, or the key exchange failed
        return WRONG_PASSWORD
    return TIMEOUT


def _text(name):
    try:
        return name.decode()
    except UnicodeError:  # a neighbour's name in another encoding: it can only be looked at
        return ""
