"""The Wi-Fi station: joins one network, keeps it, and knows whether it is encrypted.

What always holds: `encrypted` is true or false only when that is known. It rests on the chip:
given a password of WPA2's form it joins nothing weaker than WPA2 (ESP-IDF, wifi_scan_threshold_t),
so that a network which was joined with one is encrypted, its name sent about or hidden.
One task joins at a time. How it looks around and joins is `joining`. May import firmware.rooms.
"""

import asyncio

from micropython import const

from firmware import rooms

OK = const(0)
NO_NETWORK = const(1)
WRONG_PASSWORD = const(2)
TIMEOUT = const(3)
OFF = const(4)
OPEN = const(5)  # there is one of that name, but it is not encrypted: it was not joined

_WPA = const(2)  # security of a scan: 0 open, 1 WEP (broken: as good as open), 2 and up WPA
_PSK_MIN = const(8)  # characters of a password of WPA2's form
_ATTEMPT_MS = const(15000)
_WATCH_MS = const(1000)
_PAUSE_MS = const(60000)  # the longest between attempts


class Wifi:
    """The network `ssid` with the password `psk` (empty for an open one).

    `status` is the code of the last attempt, `connecting` is true while one runs. wlan: the radio,
    None until it has started.
    security: the weakest one of that name at the last look around, -1 when none was seen.
    """

    def __init__(self, ssid, psk):
        self.ssid = ssid
        self.psk = psk
        self.security = -1
        self.wlan = None
        self.status = OFF
        self.connecting = False

    @property
    def connected(self):
        """True while there is a network with an address."""
        return self.wlan is not None and self.wlan.isconnected()

    @property
    def encrypted(self):
        """True when the network is known to be encrypted, False when it is known not to be, None
        when neither is known. While there is none: of what was seen of its name.
        """
        if self.connected:
            if len(self.psk) >= _PSK_MIN:
                return True
            if not self.psk:
                return False
        return None if self.security < 0 else self.security >= _WPA

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
            self.status = await rooms.ask("drivers.joining", "join", self, timeout_ms)
        except (OSError, RuntimeError, MemoryError):  # no room, or the radio did not start
            self.status = OFF
        finally:
            self.connecting = False
        return self.status
