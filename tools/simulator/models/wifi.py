"""The air: networks that can be seen, and the station's way into one of them.

States and status numbers are those of the ESP32 port: while retries are left a failed attempt
still reads as "connecting", as on the chip, where the default is to retry for ever.
"""

import threading
import time
from dataclasses import dataclass

OPEN, WPA2_PSK, WPA3_PSK = 0, 3, 6

NO_AP_FOUND = 201
TOO_WEAK = 211  # one of that name is there, but encrypted less than the password asks for
WRONG_PASSWORD = 202
BEACON_TIMEOUT = 200
IDLE = 1000
CONNECTING = 1001
GOT_IP = 1010

_PSK_MIN = 8
_JOIN_S = 0.25
_REFUSE_S = 0.2


@dataclass
class Network:
    """A network in the air. An open one has no `password`; a hidden one does not tell its name."""

    ssid: str
    password: str = ""
    security: int = WPA2_PSK
    hidden: bool = False
    rssi: int = -52
    channel: int = 6


class Wifi:
    """The station. `on_change(up)` is called, on any thread, when the link comes or goes."""

    def __init__(self, networks=(), clock=time.monotonic):
        self.networks = list(networks)
        self.on_change = lambda up: None
        self._clock = clock
        self._lock = threading.RLock()
        self._up = False
        self.power_up()

    def power_up(self):
        with self._lock:
            self._active = False
            self._wanted = None
            self._joined = None
            self._decided_at = 0.0
            self._reason = IDLE
            self._attempts = 0
            self._limit = 0  # 0: retry for ever
        self._tell()

    # -- the world's side -------------------------------------------------------------------------

    def drop(self):
        """Break the present association; the station may find its way back."""
        with self._lock:
            if self._joined is not None:
                self._joined = None
                self._reason = BEACON_TIMEOUT
                self._attempt()
        self._tell()

    def remove(self, ssid):
        """Switch an access point off."""
        with self._lock:
            self.networks = [network for network in self.networks if network.ssid != ssid]
            if self._joined is not None and self._joined.ssid == ssid:
                self.drop()
        self._tell()

    def add(self, network):
        """Switch an access point on (or change it)."""
        with self._lock:
            self.remove(network.ssid)
            self.networks.append(network)

    @property
    def up(self):
        """Whether the station has an address now."""
        return self.status() == GOT_IP

    @property
    def ssid(self):
        """The network that the station is in, or None."""
        with self._lock:
            return self._joined.ssid if self._joined is not None else None

    # -- the station's side -----------------------------------------------------------------------

    def active(self, on=None):
        with self._lock:
            if on is not None and on != self._active:
                self._active = on
                self._wanted = self._joined = None
                self._reason = IDLE
        self._tell()
        return self._active

    def connect(self, ssid, key):
        """Begin to join; return False when the station is not active."""
        with self._lock:
            if not self._active:
                return False
            self._wanted = (ssid, key)
            self._joined = None
            self._attempts = 0
            self._attempt()
        self._tell()
        return True

    def disconnect(self):
        with self._lock:
            self._wanted = self._joined = None
            self._reason = IDLE
        self._tell()

    def reconnects(self, limit):
        """Set how often a failed attempt is repeated, plus one; 0 means for ever."""
        self._limit = limit

    def _attempt(self):
        self._attempts += 1
        self._reason = CONNECTING
        self._decided_at = self._clock() + (_JOIN_S if self._match() else _REFUSE_S)

    def _least(self):
        # As on the chip, a password of eight characters or more asks for WPA2.
        return WPA2_PSK if len(self._wanted[1]) >= _PSK_MIN else OPEN

    def _match(self):
        """Return the network that the wanted name and key open, or None."""
        for network in self.networks:
            if network.security >= self._least() and self._wanted == (
                network.ssid,
                network.password,
            ):
                return network
        return None

    def _refusal(self):
        """Return why no network of the wanted name can be joined."""
        named = [network for network in self.networks if network.ssid == self._wanted[0]]
        if named and all(network.security < self._least() for network in named):
            return TOO_WEAK
        return WRONG_PASSWORD if named else NO_AP_FOUND

    def status(self):
        """Return the status number, moving on whatever time has decided meanwhile."""
        with self._lock:
            while (
                self._wanted is not None
                and self._joined is None
                and self._reason == CONNECTING
                and self._clock() >= self._decided_at
            ):
                self._joined = self._match()
                if self._joined is not None:
                    self._reason = GOT_IP
                elif self._limit and self._attempts >= self._limit:
                    self._reason = self._refusal()
                else:
                    self._attempt()
            status = self._reason
        self._tell()
        return status

    def rssi(self):
        with self._lock:
            return self._joined.rssi if self._joined is not None else 0

    def scan(self):
        """Return the networks in the air, strongest first, or None when not active."""
        with self._lock:
            if not self._active:
                return None
            return sorted(self.networks, key=lambda network: -network.rssi)

    def _tell(self):
        with self._lock:
            up = self._joined is not None
            changed = up != self._up
            self._up = up
        if changed:
            self.on_change(up)
